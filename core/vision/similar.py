"""The index in which images that look alike to the network are found: nearest neighbours of its features.

usearch's HNSW graph by cosine, features in half precision. It may be thrown away at any time, since the records keep
the features; what lies on the disk only spares building it anew.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock, RLock

import numpy as np
import numpy.typing as npt
from usearch.index import Index

Features = npt.NDArray[np.float32]

_STORED = np.dtype("<f2")

INDEX, MARK = "index.usearch", "mark.json"

EXPANSION = 64
"""Neighbours that are weighed when an image is added: half of usearch's own, which halves the time of building."""


@dataclass(frozen=True)
class Mark:
    """How far an index has followed the records: `reading_id` is the last that it took in.

    `epoch` names the state of the records from which it goes on: after a restore the same ids are other images.
    """

    model_version: str
    epoch: str
    reading_id: int


def normalised(features: npt.NDArray[np.floating]) -> Features:
    """`features`, [D] or [N, D], of length 1 each; zeros stay zeros."""
    length = np.linalg.norm(features.astype(np.float32), axis=-1, keepdims=True)
    result: Features = (features / np.where(length > 0, length, 1)).astype(np.float32)
    return result


def packed(features: Features) -> bytes:
    """[D] features as the records keep them: of length 1, little-endian float16."""
    return normalised(features).astype(_STORED).tobytes()


def unpacked(data: bytes) -> Features:
    """What `packed` made of features, as float32."""
    return np.frombuffer(data, dtype=_STORED).astype(np.float32)


class SimilarIndex:
    """Features of images by the image's id, all of one model version. Threads may share it.

    It lies in `folder`, as INDEX with its MARK; the mark is written last, so that one that is there
    speaks of an index that is whole. Whoever catches up with the records holds `catching_up`, so that one thread does.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = RLock()
        self.catching_up = Lock()
        self._index: Index | None = None
        self._mark: Mark | None = None
        self._load()

    @property
    def mark(self) -> Mark | None:
        """How far it has followed the records; None where it is empty and has followed nothing."""
        return self._mark

    def __len__(self) -> int:
        return 0 if self._index is None else len(self._index)

    def clear(self) -> None:
        """Forget everything, on the disk too: for a new model version, other records, or after an erasure."""
        with self._lock:
            self._index = self._mark = None
            for name in (MARK, INDEX):
                (self.folder / name).unlink(missing_ok=True)

    def add(self, image_ids: Sequence[int], features: Features, mark: Mark) -> None:
        """Take in features [N, D], in the place of any that an image had, and go on to `mark`."""
        with self._lock:
            if len(image_ids):
                self._put(np.asarray(image_ids, dtype=np.uint64), normalised(features))
            self._mark = mark

    def known(self, image_ids: Sequence[int]) -> set[int]:
        """Those of `image_ids` that it holds."""
        with self._lock:
            if self._index is None:
                return set()
            return {image_id for image_id in image_ids if image_id in self._index}

    def remove(self, image_ids: Sequence[int]) -> None:
        """Forget images that are no more."""
        with self._lock:
            if self._index is not None and len(image_ids):
                self._index.remove(np.asarray(image_ids, dtype=np.uint64))

    def search(self, features: Features, *, count: int) -> list[tuple[int, float]]:
        """Up to `count` images by their id and cosine similarity, -1 to 1, the most similar first."""
        with self._lock:
            if self._index is None or len(self._index) == 0:
                return []
            found = self._index.search(normalised(features), min(count, len(self._index)))
            return [(int(key), 1 - float(distance)) for key, distance in zip(found.keys, found.distances, strict=True)]

    def save(self) -> None:
        """Put it on the disk, whole or not at all."""
        with self._lock:
            if self._index is None or self._mark is None:
                return
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.folder) as passing:
                index, mark = Path(passing) / INDEX, Path(passing) / MARK
                self._index.save(str(index))
                content = {**asdict(self._mark), "sha256": _sha256(index)}
                mark.write_text(json.dumps(content), encoding="ascii")
                for file in (index, mark):
                    with file.open("rb") as written:
                        os.fsync(written.fileno())
                    file.replace(self.folder / file.name)

    def _put(self, keys: npt.NDArray[np.uint64], features: Features) -> None:
        if self._index is None:
            self._index = Index(ndim=features.shape[1], metric="cos", dtype="f16", expansion_add=EXPANSION)
        known = keys[self._index.contains(keys)]
        if len(known):
            self._index.remove(known)
        self._index.add(keys, features)

    def _load(self) -> None:
        file = self.folder / INDEX
        try:
            content = json.loads((self.folder / MARK).read_text(encoding="ascii"))
            if content.pop("sha256") != _sha256(file):
                return
            mark, index = Mark(**content), Index.restore(str(file))
        # Whatever is missing or damaged is built anew from the records.
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError):
            return
        self._mark, self._index = mark, index


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
