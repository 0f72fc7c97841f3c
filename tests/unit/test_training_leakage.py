"""What of a test image is also in training is found, each kind by its own."""

from pathlib import Path

import numpy as np
import pytest

from core.demo.lesion_images import draw_lesion
from training.data import ISIC9, Row
from training.leakage import find_leaks, wilson


def test_each_kind_of_leak_is_told_from_the_others(tmp_path: Path) -> None:
    def row(name: str, *, shows: int, label: str, lesion: str, isic_id: str = "", quality: int = 95) -> Row:
        path = tmp_path / f"{name}.jpg"
        draw_lesion(seed=shows, size=96).save(path, quality=quality)
        return Row(isic_id or name, path, ISIC9, lesion, frozenset({label}))

    train = [
        row("a", shows=1, label="nevus", lesion="L1"),
        row("b", shows=2, label="nevus", lesion="L2", isic_id="B"),
        row("c", shows=3, label="nevus", lesion="L3"),
        row("d", shows=4, label="nevus", lesion="L4"),
    ]
    test = [
        row("same bytes", shows=1, label="nevus", lesion="T1"),
        row("other label", shows=2, label="melanoma", lesion="T2", isic_id="B", quality=60),
        row("same lesion", shows=5, label="nevus", lesion="L3"),
        row("same picture", shows=4, label="nevus", lesion="T4", quality=60),
        row("unleaked", shows=6, label="nevus", lesion="T5"),
    ]
    # The sides are mixed, as they are in a manifest.
    rows = [test[0], *train[:2], *test[1:3], *train[2:], *test[3:]]
    leaks = find_leaks(rows, np.array([one in test for one in rows]), cache=None)
    found = {kind: [int(index) for index in np.flatnonzero(flags)] for kind, flags in leaks.items()}
    assert found == {
        "same_bytes": [0],
        "same_image": [1],
        "other_label": [1],
        "same_lesion": [2],
        "same_picture": [0, 1, 3],
        "any": [0, 1, 2, 3],
    }


def test_wilsons_interval_is_that_of_the_books() -> None:
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
