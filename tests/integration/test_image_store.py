"""The image store keeps what it acknowledged, whatever happens, and nothing half-written."""

import hashlib
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import NotFound, Unavailable
from core.records.image_store import ImageStore

ROOT = Path(__file__).parents[2]
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "home" / "images")


def age(path: Path, span: timedelta) -> None:
    then = time.time() - span.total_seconds()
    os.utime(path, (then, then))


def files(store: ImageStore) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


def test_what_is_put_comes_back(store: ImageStore) -> None:
    hashes = [store.put(data) for data in (b"an image", b"an overlay", b"")]
    assert hashes[0] == hashlib.sha256(b"an image").hexdigest()
    assert [store.get(sha256) for sha256 in hashes] == [b"an image", b"an overlay", b""]
    assert sorted(store.all()) == sorted(hashes)
    assert store.path(hashes[0]).relative_to(store.root).parts == (hashes[0][:2], hashes[0][2:4], hashes[0])


def test_the_same_bytes_are_kept_once(store: ImageStore) -> None:
    first = store.put(b"an image")
    inode = store.path(first).stat().st_ino
    assert store.put(b"an image") == first
    assert store.path(first).stat().st_ino == inode
    assert len(files(store)) == 1


def test_only_the_owner_may_look(store: ImageStore) -> None:
    before = os.umask(0)
    try:
        store.put(b"an image")
    finally:
        os.umask(before)
    for path in [store.root, *store.root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "/" * 64, "." * 64, "٣" * 64]
)
def test_what_is_no_hash_is_not_looked_for(store: ImageStore, name: str) -> None:
    for verb in (store.get, store.path):
        with pytest.raises(NotFound):
            verb(name)


def test_a_missing_file_is_named(store: ImageStore) -> None:
    with pytest.raises(NotFound, match="no such image"):
        store.get("0" * 64)


@pytest.mark.parametrize("damage", [b"", b"an imagf", b"an image and more"])
def test_a_damaged_file_is_never_handed_out_and_mended_by_the_next_upload(store: ImageStore, damage: bytes) -> None:
    sha256 = store.put(b"an image")
    store.path(sha256).write_bytes(damage)
    with pytest.raises(Unavailable, match="damaged"):
        store.get(sha256)
    store.put(b"an image")
    assert store.get(sha256) == b"an image"


def test_a_full_disk_leaves_nothing(store: ImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="could not be stored"):
        store.put(b"an image")
    assert files(store) == []


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is synced from now on, in order."""
    found: list[str] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        found.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to tell which file a descriptor belongs to")
    monkeypatch.setattr(os, "fsync", note)
    return found


def test_everything_is_on_the_disk_before_put_returns(store: ImageStore, synced: list[str]) -> None:
    path = store.path(store.put(b"an image"))
    assert Path(synced[-2]).parent == store.incoming
    assert synced[-1] == str(path.parent)
    assert synced[:-2] == [str(store.root), str(path.parent.parent)]


def test_names_that_a_killed_process_left_are_brought_to_the_disk(store: ImageStore, synced: list[str]) -> None:
    """They are there to be seen, and may yet be gone after a power cut: who did not make them cannot know."""
    path = store.path(store.put(b"an image"))
    synced.clear()
    other = ImageStore(store.root)
    other.put(b"an image")
    assert synced == [str(path.parent), str(path.parent.parent), str(store.root)]
    # Once is enough.
    other.put(b"an image")
    assert synced[3:] == [str(path.parent)]


def test_a_sweep_takes_old_strays_and_remains_and_nothing_else(store: ImageStore) -> None:
    kept, stray, fresh = store.put(b"kept"), store.put(b"stray"), store.put(b"fresh")
    remains = store.root / "incoming" / "tmp-of-a-killed-process"
    remains.write_bytes(b"half an ima")
    unpacked = store.incoming / "restore-that-was-killed"
    unpacked.mkdir()
    (unpacked / "records.db").write_bytes(b"patients")
    upload = store.root / "incoming" / "tmp-of-an-upload"
    upload.write_bytes(b"half an ima")
    foreign = store.root / "ab" / "cd"
    foreign.mkdir(parents=True, exist_ok=True)
    (foreign / "README").write_text("put here by hand")
    for path in (store.path(kept), store.path(stray), remains, unpacked, foreign / "README"):
        age(path, 2 * DAY)
    assert sorted(store.sweep({kept}, older_than=DAY)) == sorted([stray, remains.name, unpacked.name])
    assert sorted(store.all()) == sorted([kept, fresh])
    assert upload.exists() and (foreign / "README").exists()
    assert store.sweep({kept}, older_than=DAY) == []


def test_an_old_stray_that_is_uploaded_again_is_safe_from_the_sweep(store: ImageStore) -> None:
    sha256 = store.put(b"an image")
    age(store.path(sha256), 30 * DAY)
    store.put(b"an image")
    assert store.sweep(set(), older_than=DAY) == []
    assert store.get(sha256) == b"an image"


def test_put_and_sweep_at_once_lose_nothing(store: ImageStore) -> None:
    """Every put finds an old stray, while a sweep is about to remove it."""
    stop = threading.Event()

    def sweep_on() -> None:
        while not stop.is_set():
            ImageStore(store.root).sweep(set(), older_than=DAY)

    sweeper = threading.Thread(target=sweep_on)
    sweeper.start()
    try:
        for _ in range(150):
            sha256 = store.put(b"an image")
            assert store.get(sha256) == b"an image"
            age(store.path(sha256), 2 * DAY)
    finally:
        stop.set()
        sweeper.join()


def test_many_uploads_at_once_of_few_images(store: ImageStore) -> None:
    images = [bytes([number]) * 50_000 for number in range(4)]

    def upload(start: int) -> None:
        for turn in range(12):
            data = images[(start + turn) % 4]
            assert ImageStore(store.root).get(store.put(data)) == data

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(upload, range(8)))
    assert len(files(store)) == 4


UPLOAD_ON = """
import sys
from pathlib import Path
from core.records.image_store import ImageStore
store, number = ImageStore(Path(sys.argv[1])), int(sys.argv[2])
while True:
    number += 1
    print(store.put(number.to_bytes(8, "big") * 40_000), flush=True)
"""


def test_killed_at_any_moment_it_leaves_nothing_half_written(store: ImageStore) -> None:
    moments = random.Random(11)
    acknowledged: set[str] = set()
    for turn in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", UPLOAD_ON, str(store.root), str(turn * 10**6)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        acknowledged.add(process.stdout.readline().strip())
        threading.Timer(moments.uniform(0, 0.08), process.send_signal, [signal.SIGKILL]).start()
        rest, _ = process.communicate()
        acknowledged |= {line for line in rest.splitlines() if len(line) == 64}
    assert len(acknowledged) >= 12
    assert acknowledged <= set(store.all())
    for sha256 in store.all():
        store.get(sha256)
    store.sweep(set(store.all()), older_than=timedelta(0))
    assert list((store.root / "incoming").iterdir()) == []
