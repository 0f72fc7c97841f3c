"""The real server in a process of its own, as `make run` starts it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from core.records import users
from core.records.actor import OPERATOR
from core.records.terms import Role
from core.settings import Settings
from core.workspace import Workspace
from tests.charts import PASSWORD

ROOT = Path(__file__).parents[1]

STARTS_WITHIN = 120.0
"""Seconds; far more than it takes, for a machine that does other things at the same time."""


def clinic(home: Path) -> Workspace:
    """A data folder with an account of each role, called by the role's name and with PASSWORD, and no patient."""
    settings = Settings(_env_file=None, home=home, database_url=f"sqlite:///{home / 'dermtrail.db'}")
    workspace = Workspace(settings)
    workspace.prepare()
    for role in Role:
        full_name = f"Test {role.capitalize()}"
        users.add_user(workspace.database, OPERATOR, name=str(role), full_name=full_name, role=role, password=PASSWORD)
    return workspace


class Server:
    """`python -m dashboard` on a free port, with its data in `home` and nothing of this process's settings.

    `settings` are further DERMTRAIL_ settings by their names. It may be killed and started again on the same data.
    """

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = home.parent / f"server-{self.port}.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DERMTRAIL_", "STREAMLIT_"))}
        own = {f"DERMTRAIL_{name.upper()}": value for name, value in settings.items()}
        self._environment = clean | own | {"DERMTRAIL_HOME": str(home)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        """All that it printed so far, over all its starts."""
        return self._log.read_text(encoding="utf-8")

    @property
    def one_time_code(self) -> str:
        """The code that the terminal shows at the very first start."""
        found = re.search(r"One-time code: (\w+)", self.output)
        assert found, self.output
        return found[1]

    def start(self) -> None:
        """Start it, and return once its health check answers."""
        command = [sys.executable, "-m", "dashboard", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        latest = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            assert self._process.poll() is None, f"the server ended:\n{self.output}"
            assert time.monotonic() < latest, f"the server does not answer:\n{self.output}"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut would, without a chance to tidy up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, as Ctrl-C does, and wait until it has."""
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
            self._process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=30, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
