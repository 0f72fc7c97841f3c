"""What intake costs at worst, measured in a process of its own: memory, and files left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.demo.lesion_images import draw_lesion
from tests.generated import bad_files, encoded, good_files

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")

ROOT = Path(__file__).parents[2]

TAKE_IN = """
import json, pathlib, re, sys, warnings
from PIL import Image
from core.errors import UnreadableImage
from core.vision.intake import IntakeLimits, take_in

warnings.simplefilter("ignore")
Image.init()
# Not getrusage: its ru_maxrss counts what the parent held when it forked, and hides all growth below that.
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1024
before, outcomes = peak(), []
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        clean = take_in(path.read_bytes(), limits=IntakeLimits())
        clean.sha256 if "keep" in sys.argv else None
        outcomes.append("taken in")
    except UnreadableImage:
        outcomes.append("refused")
json.dump({"outcomes": outcomes, "grown": peak() - before}, sys.stdout)
"""


def take_all_in(folder: Path, tmp_path: Path, *arguments: str) -> tuple[list[str], float]:
    """Outcomes in the order of the files' names, and by how many MiB the process had grown at its peak.

    Fails where anything is left in the folders that the process could find for temporary files.
    """
    playground = tmp_path / "playground"
    playground.mkdir()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= dict.fromkeys(("HOME", "TMPDIR", "TMP", "TEMP"), str(playground))
    done = subprocess.run(
        [sys.executable, "-c", TAKE_IN, str(folder), *arguments],
        cwd=playground, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(playground.rglob("*")) == []
    report = json.loads(done.stdout)
    return report["outcomes"], report["grown"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


def test_hostile_files_take_little_memory_and_leave_nothing(folder: Path, tmp_path: Path) -> None:
    files = [data for _, data, _ in bad_files()]
    damaged = np.random.default_rng(7)
    for data in good_files().values():
        for _ in range(10):
            wounded = bytearray(data)
            for at in damaged.integers(8, len(data), 6):
                wounded[at] = damaged.integers(256)
            files.append(bytes(wounded))
    for number, data in enumerate(files):
        (folder / f"{number:03d}").write_bytes(data)
    outcomes, grown = take_all_in(folder, tmp_path, "keep")
    assert len(outcomes) == len(files) >= 200
    assert set(outcomes[: len(list(bad_files()))]) == {"refused"}
    # Reading the file of 26 MB is the largest part of it; the wide tile alone would take ten times as much.
    assert grown < 100


def test_an_image_at_the_limit_is_decoded_with_two_copies_at_most(folder: Path, tmp_path: Path) -> None:
    lesion = draw_lesion(seed=3, size=512)
    (folder / "large.jpg").write_bytes(encoded(lesion.resize((9_000, 6_660), Image.Resampling.NEAREST), "JPEG"))
    outcomes, grown = take_all_in(folder, tmp_path)
    assert outcomes == ["taken in"]
    # Pillow holds 4 bytes a pixel: 240 MB as decoded, and as much for the clean copy.
    assert grown < 600
