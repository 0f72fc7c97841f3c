"""Files that leave the clinic, written whole or not at all, readable for whoever wrote them only."""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from core.errors import Conflict

Files = Iterable[tuple[str, bytes]]
"""Names, with / between folders, and contents."""

_NO_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip file can say: when a file was packed is nobody's business."""

_PACKED = {".json", ".csv", ".html", ".txt", ".dcm"}


def write_file(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Have `write` fill a file that takes the name `path` once it is whole. Raises OSError and what `write` raises."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        part = Path(folder) / "part"
        with part.open("wb") as file:
            part.chmod(0o600)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


def write_folder(path: Path, files: Files) -> None:
    """Write `files` into a new folder `path`, which appears once it is whole. Raises Conflict where there is one."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise Conflict("There is something at that place already. Please name a new folder.")
    part = Path(tempfile.mkdtemp(dir=path.parent, prefix=".export-"))
    try:
        for name, data in files:
            target = part / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.touch(mode=0o600)
            target.write_bytes(data)
        part.replace(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def write_zip(file: IO[bytes], files: Files) -> None:
    """Pack `files`: text is compressed, pictures are already."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, _NO_DATE)
            entry.external_attr = 0o600 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED if Path(name).suffix in _PACKED else zipfile.ZIP_STORED
            archive.writestr(entry, data)
