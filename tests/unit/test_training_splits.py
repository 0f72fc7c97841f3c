"""No lesion, and no image under two ids, on two sides of the split."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps
from scipy.ndimage import gaussian_filter

from core.demo.lesion_images import draw_lesion
from training.data import HAM10000, ISIC9, ISIC2017, Manifest, Row, resolve
from training.labels import CLASSES
from training.pixels import perceptual_hashes, same_picture, similar_pairs
from training.run import BY_LESION, PAPER
from training.splits import as_found, group_rows, split_manifest, split_rows


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


@st.composite
def images_and_twins(draw: st.DrawFn) -> tuple[list[Row], list[tuple[int, int]]]:
    """Up to 30 images of a few lesions, labels and sources in any mixture, and pairs of them that show one picture."""
    count = draw(st.integers(1, 30))
    lesions = draw(st.lists(st.integers(0, 15), min_size=count, max_size=count))
    labels = draw(st.lists(st.sets(st.sampled_from(CLASSES), min_size=1, max_size=2), min_size=count, max_size=count))
    sources = draw(st.lists(st.sampled_from([HAM10000, ISIC2017, ISIC9]), min_size=count, max_size=count))
    place = st.integers(0, count - 1)
    twins = draw(st.lists(st.tuples(place, place), max_size=20))
    rows = [
        Row(f"ISIC_{n:07d}", Path(f"{n}.jpg"), sources[n], f"L{lesions[n]}", frozenset(labels[n])) for n in range(count)
    ]
    return rows, twins


@settings(max_examples=60, deadline=None)
@given(images_and_twins(), st.integers(0, 2**32 - 1))
def test_whatever_the_images_are_no_lesion_and_no_cluster_is_on_two_sides(
    drawn: tuple[list[Row], list[tuple[int, int]]], seed: int
) -> None:
    rows, twins = drawn
    sides = split_rows(rows, groups=group_rows(rows, same_image=twins), seed=seed)
    assert len(sides) == len(rows)
    assert set(sides) <= {"train", "val", "test"}
    # Followed from image to image, through lesions and pairs alike, without the code under test.
    pairs = [*twins, *((a, b) for a in range(len(rows)) for b in range(a) if rows[a].lesion_id == rows[b].lesion_id)]
    linked = {index: {index} for index in range(len(rows))}
    for one, other in pairs:
        cluster = linked[one] | linked[other]
        linked.update(dict.fromkeys(cluster, cluster))
    for cluster in linked.values():
        assert len({sides[index] for index in cluster}) == 1


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


def test_a_picture_is_known_again_resized_recoloured_and_moved_and_two_dark_moles_are_not_taken_for_one() -> None:
    first, second, third = (draw_lesion(seed=seed, size=144) for seed in (1, 2, 3))
    again = ImageOps.expand(first, border=4, fill="#d0a090").crop((6, 2, 150, 146))
    again = ImageEnhance.Color(ImageEnhance.Brightness(again).enhance(0.85)).enhance(1.5)
    # Two moles of one shape, each with a grain of its own.
    across = np.linspace(-1, 1, 72)
    down = across[:, None]
    shape = np.exp(-(9 * (down - 0.1) ** 2 + 4 * (across + 0.2) ** 2 + 5 * down * across))[:, :, None] * 120
    grain = np.random.default_rng(0).normal(0, 12, (2, 72, 72, 1))
    grain -= gaussian_filter(grain, (0, 1.5, 1.5, 0))
    moles = [Image.fromarray((np.array([216, 176, 160]) - shape + one).clip(0, 255).astype(np.uint8)) for one in grain]
    pixels = np.stack([np.asarray(image.resize((72, 72))) for image in (first, second, third, again, *moles)])
    hashes = perceptual_hashes(pixels)
    assert (4, 5) in similar_pairs(hashes, at_most=12)
    assert [(one, other) for one, other, _ in same_picture(pixels, hashes)] == [(0, 3)]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Forty lesions of HAM10000; half of their images also in nine-class folders, a few under two names."""
    rows = []
    for number in range(40):
        isic_id, code = f"ISIC_{number:07d}", "nevus" if number % 2 else "melanoma"
        path = tmp_path / f"{isic_id}.png"
        draw_lesion(seed=number // 2, size=48, kind=code).save(path)
        rows.append(Row(isic_id, path, HAM10000, f"HAM_{number // 4}{code}", frozenset({code})))
        for name in ("vascular lesion", code)[number % 5 != 0 :] if number < 20 else ():
            rows.append(Row(isic_id, path, ISIC9, isic_id, frozenset({name})))
    return resolve(rows)


def test_the_papers_protocol_takes_the_folders_as_they_are_and_splits_by_image(manifest: Manifest) -> None:
    samples, _ = split_manifest(manifest, protocol=PAPER, seed=0, cache=None)
    assert [sample.row for sample in samples] == as_found(manifest)
    assert Counter(sample.split for sample in samples) == {"train": 19, "test": 5}
    names = Counter(sample.row.isic_id for sample in samples)
    assert names["ISIC_0000005"] == 2
    assert {tuple(s.row.labels) for s in samples if s.row.isic_id == "ISIC_0000005"} == {
        ("vascular lesion",),
        ("nevus",),
    }
    assert {sample.row.source for sample in samples} == {ISIC9}
    assert all(sample.row.lesion_id.startswith("HAM_") for sample in samples)


def test_the_whole_way_keeps_lesions_together_and_heeds_sides_that_are_given(manifest: Manifest) -> None:
    samples, decisions = split_manifest(manifest, protocol=BY_LESION, seed=0, cache=None)
    assert [sample.row for sample in samples] == manifest.rows
    assert decisions == manifest.decisions == {"nine-class folder overruled": 4}
    sides: dict[str, set[str]] = {}
    for sample in samples:
        sides.setdefault(sample.row.lesion_id, set()).add(sample.split)
    assert all(len(of_lesion) == 1 for of_lesion in sides.values())
    given = {row.isic_id: "val" for row in manifest.rows}
    again, _ = split_manifest(Manifest(manifest.rows, [], given), protocol=BY_LESION, seed=0, cache=None)
    assert {sample.split for sample in again} == {"val"}
