"""Who is trained on, who is tuned on, who is measured on: never two images of one lesion on two sides.

`split_as_paper` is the exception, kept to show what it costs: see there.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from training.data import ISIC9, Manifest, Row, resolve_pictures
from training.pixels import HASH_SIZE, load_pixels, perceptual_hashes, same_picture
from training.run import PAPER, Sample

TRAIN, VAL, TEST = "train", "val", "test"
SHARES = {VAL: 0.1, TEST: 0.1}
"""Share of the images of each class and source; the rest is trained on."""


def split_manifest(
    manifest: Manifest, *, protocol: str, seed: int, cache: Path | None
) -> tuple[list[Sample], dict[str, int]]:
    """Every row of the manifest with its side, and the decisions that led there.

    Sides that the manifest brings are kept. Otherwise rows of one lesion, and rows that show one picture, stay
    together; under the protocol `PAPER` they do not. Small copies of the images are kept in `cache`.
    """
    if protocol == PAPER:
        rows = as_found(manifest)
        return _with(rows, split_as_paper(rows, seed=seed)), {}
    if manifest.sides:
        return _with(manifest.rows, [manifest.sides[row.isic_id] for row in manifest.rows]), manifest.decisions
    pixels = load_pixels(manifest.rows, size=HASH_SIZE, cache=cache)
    pairs = [(one, other) for one, other, _ in same_picture(pixels, perceptual_hashes(pixels))]
    group_of = dict(zip(manifest.rows, group_rows(manifest.rows, same_image=pairs), strict=True))
    manifest = resolve_pictures(manifest, pairs)
    sides = split_rows(manifest.rows, groups=[group_of[row] for row in manifest.rows], seed=seed)
    return _with(manifest.rows, sides), manifest.decisions


def group_rows(rows: Sequence[Row], *, same_image: Iterable[tuple[int, int]] = ()) -> list[int]:
    """For each row the number of its group: rows of one lesion, or in a pair of `same_image`, are in one group."""
    parent = list(range(len(rows)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first_of_lesion: dict[str, int] = {}
    for index, row in enumerate(rows):
        parent[root(index)] = root(first_of_lesion.setdefault(row.lesion_id, index))
    for one, other in same_image:
        parent[root(one)] = root(other)
    return [root(index) for index in range(len(rows))]


def split_rows(rows: Sequence[Row], *, groups: Sequence[int], seed: int) -> list[str]:
    """For each row "train", "val" or "test". Whole groups are dealt out, in strata of the label and the source.

    A group's stratum is that of its first row. In every stratum val and test are filled to their share first, so that a
    rare class is measured at all.
    """
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    strata: defaultdict[tuple[str, str], list[list[int]]] = defaultdict(list)
    for indices in members.values():
        row = rows[indices[0]]
        strata["|".join(sorted(row.labels)), row.source].append(indices)
    sides = [TRAIN] * len(rows)
    generator = np.random.default_rng(seed)
    for _, stratum in sorted(strata.items()):
        total = sum(len(indices) for indices in stratum)
        waiting = [stratum[place] for place in generator.permutation(len(stratum))]
        for side, share in SHARES.items():
            room = round(share * total)
            for indices in list(waiting):
                if len(indices) <= room:
                    waiting.remove(indices)
                    room -= len(indices)
                    for index in indices:
                        sides[index] = side
    return sides


def as_found(manifest: Manifest) -> list[Row]:
    """The nine-class folders' files one by one, each under its folder's name, whatever another file says of its image.

    What the other sources know of its lesion is added, since the folders know of none.
    """
    lesions = {row.isic_id: row.lesion_id for row in manifest.rows}
    claims = (row for ruling in manifest.rulings for row in ruling.claims if row.source == ISIC9)
    return [replace(row, lesion_id=lesions.get(row.isic_id, row.lesion_id)) for row in claims]


def split_as_paper(rows: Sequence[Row], *, seed: int) -> list[str]:
    """For each row "train" or "test", four to one, by chance: the usual protocol for the nine-class set.

    A demonstration of leakage, and nothing to ship: one lesion, one picture, one file under two labels may lie on
    both sides.
    """
    sides = [TRAIN] * len(rows)
    for index in np.random.default_rng(seed).permutation(len(rows))[: round(len(rows) / 5)]:
        sides[index] = TEST
    return sides


def _with(rows: Sequence[Row], sides: Sequence[str]) -> list[Sample]:
    return [Sample(row, side) for row, side in zip(rows, sides, strict=True)]
