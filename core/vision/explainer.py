"""Explanations computed in a process of their own, one at a time, for all who ask.

torch and what comes with it take seconds to import and about 1.1 GB of memory. The server has neither to spare, so the
process starts with the first question and ends by itself once nobody has asked for a while, or with the server. It
yields the processor to everything else on the machine, and takes at most half of the cores.

It is not made by `multiprocessing`, whose processes begin by running the main module again: under Streamlit that is a
page.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from time import monotonic

from PIL import Image

from core.errors import Unavailable
from core.vision.explain import Method
from core.vision.heat_map import HeatMap

ROOT = Path(__file__).parents[2]
BEAT = 0.2
"""Seconds between two looks at whether whoever asked is still there."""
PATIENCE = 180.0
"""Seconds without any sign of life, after which the process is given up. Importing torch may take half a minute."""


class Step(StrEnum):
    """What an explanation is waiting for."""

    QUEUED = "Another explanation is being computed; this one is next."
    STARTING = "Starting"
    COMPUTING = "Computing"


@dataclass(frozen=True, eq=False)
class Question:
    """What the process is asked; `number` tells its answers from those to questions that were dropped."""

    number: int
    image: Image.Image
    model_version: str
    method: Method
    class_name: str


@dataclass(frozen=True, eq=False)
class Report:
    """What the process says: the share done; at the end the heat map and how many seconds it took, or what failed."""

    number: int
    share: float = 0.0
    heat_map: HeatMap | None = None
    seconds: float = 0.0
    failure: str | None = None


@dataclass(frozen=True, eq=False)
class Explanation:
    """A heat map, and how many seconds its computation took, the start of the process not counted."""

    heat_map: HeatMap
    seconds: float


class Explainer:
    """Explains with the model whose JSON lies at `model`. One explainer may be shared by threads.

    The process ends after `idle_seconds` without a question.
    """

    def __init__(self, model: Path, *, idle_seconds: float = 300.0) -> None:
        self._model = model
        self._idle_seconds = idle_seconds
        self._turn = Lock()
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def explain(
        self,
        image: Image.Image,
        *,
        model_version: str,
        method: Method,
        class_name: str,
        progress: Callable[[Step, float], None] = lambda _step, _share: None,
    ) -> Explanation:
        """What spoke for `class_name` in an RGB image, as `core.vision.explain.explain` says; blocks until it is there.

        `progress` hears several times a second what is going on, with the share done. Whatever it raises drops the
        question and goes to the caller. Raises Unavailable where it could not be computed, and where the model on the
        disk is not `model_version`.
        """
        while not self._turn.acquire(timeout=BEAT):
            progress(Step.QUEUED, 0.0)
        try:
            self._number += 1
            connection = self._connected()
            try:
                connection.send(Question(self._number, image, model_version, method, class_name))
                return self._answer(connection, progress)
            except (EOFError, OSError) as error:
                self.close()
                raise Unavailable("The explanation could not be computed. Please try again.") from error
            except BaseException:
                # Whatever arrives ends the running computation.
                connection.send(None)
                raise
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None and self._connection is not None:
            self._connection.close()
            self._process.kill()
            self._process.wait()
        self._process = self._connection = None

    def _connected(self) -> Connection:
        if self._process is None or self._connection is None or self._process.poll() is not None:
            self.close()
            self._connection, theirs = Pipe()
            arguments = [str(theirs.fileno()), str(self._model.resolve()), str(self._idle_seconds)]
            # In a session of its own, so that Ctrl-C ends the server alone, and then the pipe ends this.
            self._process = subprocess.Popen(  # noqa: S603 - our own module, and nothing that anybody typed
                [sys.executable, "-m", "core.vision.explainer_process", *arguments],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            theirs.close()
        return self._connection

    def _answer(self, connection: Connection, progress: Callable[[Step, float], None]) -> Explanation:
        step, share, heard = Step.STARTING, 0.0, monotonic()
        while True:
            progress(step, share)
            if not connection.poll(BEAT):
                if monotonic() - heard > PATIENCE:
                    raise TimeoutError
                continue
            report: Report = connection.recv()
            heard = monotonic()
            if report.number != self._number:
                continue
            if report.failure is not None:
                raise Unavailable(report.failure)
            if report.heat_map is not None:
                return Explanation(report.heat_map, report.seconds)
            step, share = Step.COMPUTING, report.share
