"""The public page with the real model, served by a real server, and what a caller without a browser does with it."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from core.clinics.directory import starting_list
from core.screening_counts import ScreeningCounts
from core.vision.intake import IntakeLimits
from core.vision.reader import Reader, Reading
from dashboard.screening import screening_app
from dashboard.screening.limits import ScreeningLimits
from tests.browser import PATIENCE
from tests.serving import serving

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}
CHENNAI = {"latitude": 13.088, "longitude": 80.278}


class ToldReader:
    """The real model, whose readings the test may change."""

    def __init__(self, reader: Reader) -> None:
        self.real = reader
        self.changes: dict[str, Any] = {}

    def read(self, image: Image.Image) -> Reading:
        """What the model says, with the test's changes."""
        reading = self.real.read(image)
        return replace(reading, **self.changes) if self.changes else reading


class Caller:
    """Somebody who speaks to the page at `address` without a browser."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=address, timeout=60, trust_env=False)

    @cached_property
    def functions(self) -> list[dict[str, Any]]:
        """What the page can be asked to do, as Gradio describes it to the browser."""
        page = self.client.get("", params={"lang": "en"}).text
        found = re.search(r"window.gradio_config = (\{.*?\});</script>", page)
        assert found
        functions: list[dict[str, Any]] = json.loads(found[1])["dependencies"]
        return functions

    def upload(self, data: bytes, *, name: str = "spot.jpg") -> httpx.Response:
        """Send a file."""
        return self.client.post("gradio_api/upload", files={"files": (name, data)})

    def join(self, trigger: str, *values: Any) -> httpx.Response:
        """Ask for the function with this trigger; `values` are its inputs."""
        index = next(f["id"] for f in self.functions if any(target[1] == trigger for target in f["targets"]))
        body = {"data": values, "fn_index": index, "session_hash": "caller"}
        return self.client.post("gradio_api/queue/join", json=body)

    def call(self, trigger: str, *values: Any) -> dict[str, Any]:
        """What the function answers."""
        joined = self.join(trigger, *values)
        assert joined.status_code == 200, joined.text
        with self.client.stream("GET", "gradio_api/queue/data", params={"session_hash": "caller"}) as lines:
            for line in lines.iter_lines():
                if line.startswith("data:") and (message := json.loads(line[5:]))["msg"] == "process_completed":
                    return dict(message)
        raise AssertionError("the queue never answered")


@dataclass
class Served:
    """The page while it is served.

    Attributes:
        address: where it is, with a slash at the end.
        home: its data folder.
        reader: the model that it asks.
        counts: its counters.
    """

    address: str
    home: Path
    reader: ToldReader
    counts: ScreeningCounts

    @property
    def uploads(self) -> list[Path]:
        """Everything that lies in the upload folder."""
        return list((self.home / "screening").rglob("*"))


def uploaded(path: str, **more: Any) -> dict[str, Any]:
    """How a browser names a file that it sent."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


@contextmanager
def screening_served(home: Path, reader: Reader, limits: ScreeningLimits | None = None) -> Iterator[Served]:
    """The page with its data in `home`."""
    told, counts = ToldReader(reader), ScreeningCounts(home / "counts.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "put back afterwards")
        page = screening_app(
            reader=told,
            limits=IntakeLimits(),
            clinics=starting_list,
            counts=counts,
            folder=home / "screening",
            root_path="/screening",
            visitor_limits=limits,
        )
        with serving(page) as address:
            yield Served(address, home, told, counts)


@contextmanager
def arriving(browser: Browser, served: "Served") -> Iterator[Callable[..., "Visit"]]:
    """Lets people come to the page until the block is left; none of them may have asked for anything outside of it."""
    visits: list[Visit] = []

    def arrive(**options: Any) -> Visit:
        visits.append(Visit(browser, served, **options))
        return visits[-1]

    yield arrive
    for visit in visits:
        visit.close()


class Visit:
    """Somebody on the page, without any internet; an attempt to reach it fails the test.

    Attributes:
        outside: addresses beyond the server that were asked for; none was answered.
        page: what they look at.
    """

    def __init__(self, browser: Browser, served: Served, **options: Any) -> None:
        self.outside: list[str] = []
        options = {"viewport": PHONE, "locale": "en-GB"} | options
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.context.route(
            lambda address: not address.startswith((served.address, "data:", "blob:")),
            lambda route: (self.outside.append(route.request.url), route.abort()),
        )
        self.page: Page = self.context.new_page()
        self.page.goto(served.address)

    def agree(self) -> None:
        """Read what has to be known, and go on."""
        self.page.locator("button.primary").first.click()
        self.page.locator("input[type=file]").wait_for(state="attached")

    def send(self, photo: Path) -> None:
        """Choose a photo, and wait until it was read or refused."""
        self.page.locator("input[type=file]").set_input_files(photo)
        expect(self.page.locator("#photo-status .status")).to_be_visible(timeout=PATIENCE)

    def answer(self) -> None:
        """Ask for the answer, and wait for it."""
        self.page.locator("#show-answer").click()
        expect(self.page.locator(".outcome h2")).to_be_visible(timeout=PATIENCE)

    def close(self) -> None:
        """Leave; nothing outside may have been asked for."""
        self.context.close()
        assert [address for address in self.outside if not address.endswith("/favicon.ico")] == []
