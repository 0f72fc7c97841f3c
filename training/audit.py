"""What is wrong with folders of labelled images, before anything is trained on them.

What `audit` returns has these keys; lists are in the order of the ISIC ids, and every file is named as it was given:

files, images, kept, left_out   counts: files read, distinct ISIC ids, images that the rules keep and leave out
folders         [{folder, layout, files}]
rules           {rule: {why, images}}: each rule of `training.data` that decided something
contradictions  [{isic_id, claims, decision, rules, why}]: images under labels that have no class in common;
                claims is [{source, diagnosis, labels, file}], decision the labels it ends with, empty where left out
refined         the same, for images whose label another source makes more exact
left_out_images the same, for images that are left out without being contradictory themselves
same_id         [{isic_id, source, files}]: an image that one source holds more than once
same_bytes      [{sha256, isic_ids, files}]: different files with the same bytes
same_picture    [{isic_ids, files, detail, bits, same_lesion, labels, decision, why}]: different ids that show one
                picture; detail is the correlation of `training.pixels.same_picture`, bits the distance of the hashes
other_picture   [{isic_id, files, bits}]: files of one id that do not look alike
shared          [{sources, images, by_class}]: images that several sources hold, by the class that they end with
lesions         {known, with_several_images, images_in_them, sizes: {images: lesions}, several: {lesion: [isic_id]}}
unreadable      [{file, why}]
by_source, by_camera   {class: {source or camera: images kept}}; `training.look.camera_of` says what stands for one
by_origin       {class: {source: files}}: which other source holds the files of a nine-class folder, or "no other"
one_sided       [{class, kind, of, images, total}]: classes of which one source, camera or origin (the kind) holds 95 %
                or more
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.data import ISIC9, PICTURE_DISAGREES, WHY, Manifest, Row, Ruling, resolve, resolve_pictures
from training.labels import name_of
from training.look import Look, look_at
from training.pixels import HASH_SIZE, NEAR_BITS, perceptual_hashes, same_picture

ONE_SIDED = 0.95
"""A class of which one source holds this share can be told by the source."""


def audit(folders: Sequence[tuple[Path, list[Row]]], *, seen: Callable[[], object] = lambda: None) -> dict[str, Any]:
    """The findings on every file of `folders`, each given with its rows; `seen` is called after each file."""
    rows = [row for _, of_folder in folders for row in of_folder]
    looks: dict[Path, Look] = {}
    for row in rows:
        looks[row.path] = looks.get(row.path) or look_at(row.path)
        seen()
    readable = [row for row in rows if not looks[row.path].why]
    pixels = np.array([looks[row.path].pixels for row in readable], np.uint8).reshape(-1, HASH_SIZE, HASH_SIZE, 3)
    hashes = perceptual_hashes(pixels)
    number = {row.path: index for index, row in enumerate(readable)}
    resolved = resolve(readable)
    chosen = np.array([number[row.path] for row in resolved.rows], dtype=int)
    twins = same_picture(pixels[chosen], hashes[chosen])
    manifest = resolve_pictures(resolved, [(one, other) for one, other, _ in twins])
    return {
        "files": len(rows),
        "images": len({row.isic_id for row in rows}),
        "kept": len(manifest.rows),
        "left_out": len(manifest.rulings) - len(manifest.rows),
        "folders": [
            {"folder": str(folder), "layout": of_folder[0].source, "files": len(of_folder)}
            for folder, of_folder in folders
            if of_folder
        ],
        "rules": {rule: {"why": WHY[rule], "images": count} for rule, count in sorted(manifest.decisions.items())},
        **_ruled(manifest.rulings),
        "same_id": _same_id(rows),
        "same_bytes": _same_bytes(readable, looks),
        "same_picture": [
            _twin(resolved.rows[one], resolved.rows[other], detail, _bits(hashes, chosen[one], chosen[other]))
            for one, other, detail in twins
        ],
        "other_picture": _other_picture(manifest.rulings, number, hashes),
        "shared": _shared(manifest.rulings),
        "lesions": _lesions(manifest.rows),
        "unreadable": [{"file": str(path), "why": look.why} for path, look in looks.items() if look.why],
        **_sidedness(manifest, looks),
    }


def claim(row: Row) -> dict[str, Any]:
    """A row as the findings name it."""
    return {"source": row.source, "diagnosis": row.diagnosis, "labels": sorted(row.labels), "file": str(row.path)}


def _ruled(rulings: Iterable[Ruling]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {"contradictions": [], "refined": [], "left_out_images": []}
    for ruling in rulings:
        if not ruling.rules:
            continue
        kind = "contradictions" if ruling.contradictory else "refined" if ruling.labels else "left_out_images"
        found[kind].append(
            {
                "isic_id": ruling.isic_id,
                "claims": [claim(row) for row in ruling.claims],
                "decision": sorted(ruling.labels),
                "rules": list(ruling.rules),
                "why": " ".join(WHY[rule] for rule in ruling.rules),
            }
        )
    return found


def _same_id(rows: Iterable[Row]) -> list[dict[str, Any]]:
    files: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        files[row.isic_id, row.source].append(str(row.path))
    return [
        {"isic_id": isic_id, "source": source, "files": paths}
        for (isic_id, source), paths in sorted(files.items())
        if len(paths) > 1
    ]


def _same_bytes(rows: Iterable[Row], looks: dict[Path, Look]) -> list[dict[str, Any]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[looks[row.path].sha256].append(row)
    found = [
        {
            "sha256": digest,
            "isic_ids": sorted({row.isic_id for row in group}),
            "files": [str(row.path) for row in group],
        }
        for digest, group in groups.items()
        if len(group) > 1
    ]
    return sorted(found, key=lambda one: str(one["isic_ids"]))


def _bits(hashes: npt.NDArray[np.uint64], one: int, other: int) -> int:
    return int(np.bitwise_count(hashes[one] ^ hashes[other]))


def _twin(one: Row, other: Row, detail: float, bits: int) -> dict[str, Any]:
    agree = bool(one.labels & other.labels)
    return {
        "isic_ids": [one.isic_id, other.isic_id],
        "files": [str(one.path), str(other.path)],
        "detail": round(detail, 3),
        "bits": bits,
        "same_lesion": one.lesion_id == other.lesion_id,
        "labels": [sorted(one.labels), sorted(other.labels)],
        "decision": "both kept, on one side of the split" if agree else "both left out",
        "why": "The labels agree; a split between them would be a leak." if agree else WHY[PICTURE_DISAGREES],
    }


def _other_picture(
    rulings: Iterable[Ruling], number: dict[Path, int], hashes: npt.NDArray[np.uint64]
) -> list[dict[str, Any]]:
    found = []
    for ruling in rulings:
        first = number[ruling.claims[0].path]
        bits = max(_bits(hashes, first, number[row.path]) for row in ruling.claims)
        if bits > NEAR_BITS:
            found.append({"isic_id": ruling.isic_id, "files": [str(row.path) for row in ruling.claims], "bits": bits})
    return found


def _shared(rulings: Iterable[Ruling]) -> list[dict[str, Any]]:
    counts: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for ruling in rulings:
        sources = tuple(sorted({row.source for row in ruling.claims}))
        if len(sources) > 1:
            counts[sources][name_of(ruling.labels) or "left out"] += 1
    return [
        {"sources": list(sources), "images": by_class.total(), "by_class": dict(sorted(by_class.items()))}
        for sources, by_class in sorted(counts.items())
    ]


def _lesions(rows: Iterable[Row]) -> dict[str, Any]:
    images: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        images[row.lesion_id].append(row.isic_id)
    several = {lesion: ids for lesion, ids in sorted(images.items()) if len(ids) > 1}
    sizes = Counter(len(ids) for ids in images.values())
    return {
        "known": sum(not lesion.startswith("ISIC_") for lesion in images),
        "with_several_images": len(several),
        "images_in_them": sum(len(ids) for ids in several.values()),
        "sizes": {str(size): count for size, count in sorted(sizes.items())},
        "several": several,
    }


def _sidedness(manifest: Manifest, looks: Mapping[Path, Look]) -> dict[str, Any]:
    """The tables of classes against sources, cameras and origins, and what stands out in them."""
    folders = [(row, _origin(ruling)) for ruling in manifest.rulings for row in ruling.claims if row.source == ISIC9]
    tables = {
        "source": _table((row, row.source) for row in manifest.rows),
        "camera": _table((row, looks[row.path].camera) for row in manifest.rows),
        "origin": _table(folders),
    }
    return {
        **{f"by_{kind}": table for kind, table in tables.items()},
        "one_sided": [one for kind, table in tables.items() for one in _one_sided(kind, table)],
    }


def _origin(ruling: Ruling) -> str:
    return " and ".join(sorted({row.source for row in ruling.claims} - {ISIC9})) or "no other"


def _table(rows: Iterable[tuple[Row, str]]) -> dict[str, dict[str, int]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row, column in rows:
        counts[name_of(row.labels)][column] += 1
    return {name: dict(sorted(of_class.items())) for name, of_class in sorted(counts.items())}


def _one_sided(kind: str, table: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    if len({of for counts in table.values() for of in counts}) < 2:
        return []
    found = []
    for name, counts in table.items():
        total, (of, images) = sum(counts.values()), max(counts.items(), key=lambda item: item[1])
        if images >= ONE_SIDED * total:
            found.append({"class": name, "kind": kind, "of": of, "images": images, "total": total})
    return found
