"""The server: how soon it answers, what it weighs, and that it does without torch."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench.timing import Figure, at_most

ROOT = Path(__file__).parents[1]
PATIENCE = 180.0


def measure() -> Iterator[Figure]:
    """Start it on an empty folder, wait for its first answer and for its public page, and look at its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        own = {"DERMTRAIL_HOME": home, "DERMTRAIL_DATABASE_URL": f"sqlite:///{home}/dermtrail.db"}
        start = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own server
            [sys.executable, "-m", "dashboard", "--port", str(port)],
            cwd=ROOT,
            env=os.environ | own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _answer(process, f"http://127.0.0.1:{port}/healthz")
            yield Figure("start of the server to its first answer", time.perf_counter() - start, "s")
            _answer(process, f"http://127.0.0.1:{port}/screening/")
            yield Figure("start of the server to its public page", time.perf_counter() - start, "s")
            loaded = Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")
            yield at_most("torch's libraries in the server", float(loaded.count("libtorch")), "", 0)
            yield Figure("memory of the server, nobody there", resident(process.pid), "MB")
        finally:
            process.kill()
            process.wait()


def _answer(process: subprocess.Popen[bytes], url: str) -> None:
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
