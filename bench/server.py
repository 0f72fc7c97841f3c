"""The server: how soon it answers, what it weighs, and that it does without torch."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench.timing import Figure, at_most

ROOT = Path(__file__).parents[1]
PATIENCE = 180.0


def measure() -> Iterator[Figure]:
    """Start it on an empty folder, wait for its first answer and for its public page, and look at its process."""
    start = time.perf_counter()
    with started() as (process, url):
        answer(process, f"{url}/healthz")
        yield Figure("start of the server to its first answer", time.perf_counter() - start, "s")
        answer(process, f"{url}/screening/")
        yield Figure("start of the server to its public page", time.perf_counter() - start, "s")
        loaded = Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")
        yield at_most("torch's libraries in the server", float(loaded.count("libtorch")), "", 0)
        yield Figure("memory of the server, nobody there", resident(process.pid), "MB")


@contextmanager
def started(**settings: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The server on a free port and an empty folder, and its address; `settings` are DERMTRAIL_ ones by their names."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        own = {"home": home, "database_url": f"sqlite:///{home}/dermtrail.db", **settings}
        process = subprocess.Popen(  # noqa: S603 - our own server
            [sys.executable, "-m", "dashboard", "--port", str(port)],
            cwd=ROOT,
            env=os.environ | {f"DERMTRAIL_{name.upper()}": value for name, value in own.items()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def answer(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait until there is an answer at `url`. Raises RuntimeError where none comes."""
    latest = time.monotonic() + PATIENCE
    while time.monotonic() < latest and process.poll() is None:
        try:
            with urlopen(url, timeout=PATIENCE):  # noqa: S310 - the server that was started above
                return
        except (URLError, ConnectionError):
            time.sleep(0.02)
    raise RuntimeError(f"{url} does not answer")


def resident(pid: int | str) -> float:
    """Memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
