"""Who is trained on, who is tuned on, who is measured on: never two images of one lesion on two sides."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from training.data import Row

TRAIN, VAL, TEST = "train", "val", "test"
SHARES = {VAL: 0.1, TEST: 0.1}
"""Share of the images of each class and source; the rest is trained on."""


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
