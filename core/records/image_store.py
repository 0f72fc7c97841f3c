"""Files by the hash of their content: kept images, and the overlays of readings.

    ROOT/ab/cd/abcd...      one file, named by the SHA-256 of what is in it
    ROOT/incoming/          files that are being written

A file has its final name only once it is whole and on the disk, so a row that is committed after `put` has its file
whatever happens in between.
"""

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from core.errors import NotFound, Unavailable

_SHA256 = re.compile(r"[0-9a-f]{64}")


class ImageStore:
    """The files under `root`, which is made where it is missing. Several processes may use one root at once.

    What lies in the folder `incoming` is of use to nobody but the process that put it there, and is swept up once it is
    old.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"
        self._settled: set[Path] = set()
        self._make_folder(self.incoming)

    def put(self, data: bytes) -> str:
        """Keep `data` and return its SHA-256. What is there already is kept as it is, unless it was damaged.

        When it returns, the file is on the disk. Raises Unavailable, and leaves nothing, where it could not be written.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        try:
            with self._locked(fcntl.LOCK_SH):
                if _holds(path, data):
                    # A sweep goes by age: this file is wanted again, by a row that is yet to come.
                    os.utime(path)
                else:
                    self._make_folder(path.parent)
                    self._write(path, data)
                # Also where the file was there: whoever put it may have been killed before doing this.
                self._sync_names(path)
        except OSError as error:
            raise Unavailable("The image could not be stored: the disk is full or does not answer.") from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """The file with this hash. Raises NotFound where there is none, Unavailable where it is damaged."""
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise NotFound("There is no such image in the store.") from error
        except OSError as error:
            raise Unavailable("The stored image cannot be read.") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Unavailable("The stored image is damaged. Please restore it from a backup.")
        return data

    def path(self, sha256: str) -> Path:
        """Where the file with this hash lies, or would lie. Raises NotFound for what is no hash."""
        if not _SHA256.fullmatch(sha256):
            raise NotFound("There is no such image in the store.")
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def all(self) -> Iterator[str]:
        """The hashes of all files, in no order."""
        for path in self.root.glob("??/??/*"):
            if _SHA256.fullmatch(path.name) and path == self.path(path.name):
                yield path.name

    def sweep(self, keep: Collection[str], *, older_than: timedelta) -> list[str]:
        """Remove files whose hash is not in `keep`, and remains of writes that were cut off; return their names.

        What was put within `older_than` stays: its row may not be committed yet. A set is the right `keep`.
        """
        latest = time.time() - older_than.total_seconds()
        removed = []
        with self._locked(fcntl.LOCK_EX):
            strays = [self.path(sha256) for sha256 in self.all() if sha256 not in keep]
            for path in [*strays, *self.incoming.iterdir()]:
                if path.stat().st_mtime > latest:
                    continue
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
                removed.append(path.name)
        return removed

    def remove(self, hashes: Collection[str]) -> None:
        """Remove files that no row names any more. The caller holds the store `alone`. Raises Unavailable."""
        try:
            for path in map(self.path, hashes):
                path.unlink(missing_ok=True)
            for folder in {self.path(sha256).parent for sha256 in hashes}:
                if folder.is_dir():
                    _sync_folder(folder)
        except OSError as error:
            raise Unavailable("The image files could not be removed. Run `python -m core tidy` later.") from error

    @contextmanager
    def adding(self) -> Iterator[None]:
        """Hold the store from the first file of an upload to the commit of its rows: nobody is `alone` meanwhile."""
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no upload is between its files and its rows, and keep others out. Not while holding a database."""
        with self._locked(fcntl.LOCK_EX):
            yield

    def _make_folder(self, folder: Path) -> None:
        """Make `folder` and those above it that are missing, for the owner only, unlike `mkdir(parents=True)`."""
        if not folder.is_dir():
            self._make_folder(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(folder.parent)
            self._settled.add(folder)

    def _sync_names(self, path: Path) -> None:
        """Get the name of a file onto the disk, and those of its folders unless this store has done that before."""
        _sync_folder(path.parent)
        for folder in (path.parent, path.parent.parent):
            if folder not in self._settled:
                _sync_folder(folder.parent)
                self._settled.add(folder)

    def _write(self, path: Path, data: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=self.incoming, delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Hold the root, shared to put and alone to sweep, between threads and processes alike.

        Without it a sweep could look at a file's age, and remove it just after a put had found it there.
        """
        with _folder(self.root) as root:
            fcntl.flock(root, how)
            yield


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    with _folder(folder) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _folder(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
