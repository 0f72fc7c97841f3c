"""All the images of a manifest in one file, small enough to carry to a machine with a GPU.

A pack is a ZIP of `manifest.csv` (as `training.run` writes it, paths within the pack, each image with its side of the
split), `decisions.json` and the images as WebP, squashed to one square size. Training from a pack keeps its sides, so
that whatever is trained elsewhere is measured on the same images.
"""

import hashlib
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from core.vision.preprocess import to_square
from training.data import Manifest, Ruling
from training.run import Sample, load_manifest, save_manifest

MANIFEST, DECISIONS = "manifest.csv", "decisions.json"

SIZE, QUALITY = 180, 90
"""Side in pixels and WebP quality: docs/EXPERIMENTS.md has what they weigh and what they cost in likeness."""


def is_pack(path: Path) -> bool:
    """Whether `path` is a pack rather than a folder."""
    return path.is_file() and zipfile.is_zipfile(path)


def write_pack(
    samples: list[Sample],
    file: Path,
    *,
    decisions: dict[str, int],
    size: int = SIZE,
    quality: int = QUALITY,
    seen: Callable[[], object] = lambda: None,
) -> None:
    """Write the images of `samples`; the file appears when it is whole. `seen` is called after each image."""
    unfinished = file.with_name(file.name + ".part")
    packed = []
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for sample in samples:
            name = f"images/{sample.row.isic_id}.webp"
            with Image.open(sample.row.path) as image:
                square = Image.fromarray(to_square(image.convert("RGB"), size=size))
            encoded = io.BytesIO()
            square.save(encoded, "WEBP", quality=quality, method=4)
            archive.writestr(name, encoded.getvalue())
            packed.append(Sample(replace(sample.row, path=Path(name)), sample.split))
            seen()
        archive.writestr(DECISIONS, json.dumps(decisions, indent=2) + "\n")
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / MANIFEST
            save_manifest(packed, table)
            archive.write(table, MANIFEST, zipfile.ZIP_DEFLATED)
    unfinished.replace(file)


def read_pack(file: Path, *, cache: Path) -> Manifest:
    """The manifest of a pack with its sides of the split, the images unpacked below `cache` once.

    Raises ValueError for a ZIP that is no pack.
    """
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
    folder = cache / f"pack-{digest}"
    if not folder.exists():
        unfinished = cache / f"pack-{digest}.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        with zipfile.ZipFile(file) as archive:
            if MANIFEST not in archive.namelist():
                raise ValueError(f"{file} is no pack: it holds no {MANIFEST}")
            archive.extractall(unfinished)
        unfinished.rename(folder)
    samples = load_manifest(folder / MANIFEST)
    rows = [replace(sample.row, path=folder / sample.row.path) for sample in samples]
    return Manifest(
        rows,
        [Ruling(row.isic_id, (row,), row.labels) for row in rows],
        {sample.row.isic_id: sample.split for sample in samples},
    )
