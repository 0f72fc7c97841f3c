"""No lesion, and no image under two ids, on two sides of the split."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.data import CLASSES, HAM10000, ISIC2017, Row
from training.pixels import perceptual_hashes, similar_pairs
from training.splits import group_rows, split_rows


def many_rows(count: int, *, seed: int) -> list[Row]:
    """Rows of lesions with one to six images each, rarer classes among them."""
    generator = np.random.default_rng(seed)
    rows: list[Row] = []
    while len(rows) < count:
        name = CLASSES[int(generator.integers(9) * generator.random())]
        source = str(generator.choice([HAM10000, ISIC2017]))
        lesion = f"L{len(rows)}"
        for _ in range(int(generator.integers(1, 7))):
            isic_id = f"ISIC_{len(rows):07d}"
            rows.append(Row(isic_id, Path(f"{isic_id}.jpg"), source, lesion, frozenset({name})))
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_sides_share_no_lesion_and_no_identical_image(seed: int) -> None:
    rows = many_rows(3000, seed=seed)
    generator = np.random.default_rng(seed + 100)
    twins = [(int(a), int(b)) for a, b in generator.integers(len(rows), size=(60, 2))]
    sides = split_rows(rows, groups=group_rows(rows, same_image=twins), seed=seed)
    lesions = {side: {r.lesion_id for r, at in zip(rows, sides, strict=True) if at == side} for side in set(sides)}
    assert set(lesions) == {"train", "val", "test"}
    assert not lesions["train"] & lesions["val"]
    assert not lesions["train"] & lesions["test"]
    assert not lesions["val"] & lesions["test"]
    assert all(sides[one] == sides[other] for one, other in twins)


def test_every_class_of_every_source_is_split_eight_to_one_to_one() -> None:
    rows = many_rows(3000, seed=1)
    sides = split_rows(rows, groups=group_rows(rows), seed=0)
    strata = Counter((*row.labels, row.source) for row in rows)
    for side in ("val", "test"):
        held = Counter((*row.labels, row.source) for row, at in zip(rows, sides, strict=True) if at == side)
        for stratum, total in strata.items():
            assert total / 10 - 6 < held[stratum] <= total / 10 + 0.5  # a lesion has up to six images
        assert sum(held.values()) == pytest.approx(len(rows) / 10, rel=0.05)


def test_the_same_seed_gives_the_same_split_and_another_one_another() -> None:
    rows = many_rows(500, seed=2)
    groups = group_rows(rows)
    assert split_rows(rows, groups=groups, seed=3) == split_rows(rows, groups=groups, seed=3)
    assert split_rows(rows, groups=groups, seed=3) != split_rows(rows, groups=groups, seed=4)


def test_an_image_saved_again_is_found_by_its_hash_and_others_are_not(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    pictures = [Image.fromarray(generator.integers(0, 255, (6, 6, 3), dtype=np.uint8)).resize((90, 90)) for _ in "abc"]
    pictures[1].save(tmp_path / "again.jpg", quality=85)
    with Image.open(tmp_path / "again.jpg") as again:
        pixels = np.stack([np.asarray(picture) for picture in [*pictures, again]])
    assert similar_pairs(perceptual_hashes(pixels), at_most=2) == [(1, 3)]
