"""The public page, served by a real server in a real browser and to callers that are none."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, expect

from core import screening
from core.demo.lesion_images import draw_lesion
from core.guidance import Answers, guidance, words
from core.records import public_directory
from core.screening_counts import Counted
from core.taxonomy import term
from core.vision.certainty import Certainty
from core.vision.intake import IntakeLimits, take_in
from core.vision.reader import Reader
from core.workspace import Workspace
from dashboard import server, session
from dashboard.screening.page import EXAMPLE_KINDS
from tests.browser import PATIENCE, chromium, no_serious_finding
from tests.charts import Charts
from tests.screening import PHONE, Caller, Served, arriving, screening_served, uploaded
from tests.serving import serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, reader: Reader) -> Iterator[Served]:
    with screening_served(tmp_path_factory.mktemp("home"), reader) as page:
        yield page


@pytest.fixture(autouse=True)
def honest(served: Served) -> None:
    """Each test begins with what the model really says."""
    served.reader.changes = {}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def arrive(browser: Browser, served: Served) -> Iterator[Any]:
    with arriving(browser, served) as arrive:
        yield arrive


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "spot.jpg"
    draw_lesion(seed=7).save(path, quality=92)
    return path


def test_a_photo_is_read_and_leads_to_a_doctor_and_is_gone(arrive: Any, served: Served, photo: Path) -> None:
    visit = arrive()
    page = visit.page
    expect(page.get_by_role("heading", name=words.CONSENT_TITLE)).to_be_visible(timeout=PATIENCE)
    assert page.locator("input[type=file]").count() == 0
    no_serious_finding(page)
    visit.agree()
    visit.send(photo)
    visit.answer()

    reading = served.reader.read(take_in(photo.read_bytes(), limits=IntakeLimits()).pixels)
    outcome = screening.decided(reading, Answers()).outcome
    expect(page.locator(".outcome h2")).to_have_text(guidance(outcome).headline)
    expect(page.locator(".match-name")).to_contain_text(term(reading.prediction).title)
    expect(page.locator(".match-name")).to_contain_text(f"{reading.probabilities[reading.prediction]:.0%}")
    expect(page.locator(".bars li")).to_have_count(9)

    heat = page.locator(".heat")
    expect(heat).to_have_js_property("complete", True)
    page.locator(".region input[type=range]").fill("1")
    expect(heat).to_have_css("opacity", "1")

    page.get_by_label(words.PLACE_LABEL).fill("Calcutta")
    page.get_by_role("button", name=words.PLACE_BUTTON).click()
    first = page.locator(".clinics li").first
    expect(first).to_contain_text("Chittaranjan National Cancer Institute", timeout=PATIENCE)
    expect(first.get_by_role("link", name=words.WEBSITE)).to_have_attribute("href", "https://www.cnci.ac.in")
    expect(first.get_by_role("link", name=words.IN_MAP_APP)).to_have_attribute("href", re.compile("^geo:"))

    no_serious_finding(page)
    assert served.uploads == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_an_example_by_keyboard_alone_and_a_place_that_there_is_not(arrive: Any) -> None:
    visit = arrive()
    page = visit.page
    expect(page.get_by_role("button", name=words.CONSENT_BUTTON)).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name=words.CONSENT_BUTTON).focus()
    page.keyboard.press("Enter")
    page.get_by_role("tab", name=words.FROM_EXAMPLE).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Example 2").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(words.PHOTO_READ)).to_be_visible(timeout=PATIENCE)
    page.locator("#show-answer").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".outcome h2")).to_be_visible(timeout=PATIENCE)
    page.get_by_label(words.PLACE_LABEL).fill("qqqqzzzzxxxx")
    page.get_by_label(words.PLACE_LABEL).press("Enter")
    expect(page.get_by_text(words.PLACE_UNKNOWN)).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("kind", EXAMPLE_KINDS)
def test_each_example_is_one_that_the_model_reads(reader: Reader, kind: str) -> None:
    assert reader.read(draw_lesion(seed=7, kind=kind)).certainty is not Certainty.UNREADABLE


def test_what_is_no_image_gets_a_sentence_and_no_reading(
    arrive: Any, served: Served, photo: Path, tmp_path: Path
) -> None:
    text = tmp_path / "holiday.jpg"
    text.write_text("this is not a picture")
    visit = arrive()
    page = visit.page
    visit.agree()
    visit.send(photo)
    visit.answer()
    visit.send(text)
    expect(page.locator("#photo-status")).to_contain_text("This file is a text", timeout=PATIENCE)
    expect(page.locator(".match")).not_to_be_visible()
    visit.answer()
    expect(page.locator(".outcome h2")).to_have_text("We cannot read this image", timeout=PATIENCE)
    expect(page.locator(".match")).to_have_count(0)
    assert "Traceback" not in page.content()
    assert served.uploads == []


def test_nothing_is_kept_of_a_session(
    arrive: Any, served: Served, photo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = served.counts.by_day()
    visit = arrive(geolocation={"latitude": 12.345678, "longitude": 76.54321}, permissions=["geolocation"])
    visit.agree()
    visit.send(photo)
    visit.answer()
    visit.page.get_by_label(words.PLACE_LABEL).fill("Tiruchirappalli")
    visit.page.get_by_role("button", name=words.PLACE_BUTTON).click()
    expect(visit.page.locator(".clinics li").first).to_be_visible(timeout=PATIENCE)
    visit.page.get_by_role("button", name=words.HERE_BUTTON).click()
    expect(visit.page.get_by_role("heading", name=words.HERE)).to_be_visible(timeout=PATIENCE)

    kept = {path: path.read_bytes() for path in served.home.rglob("*") if path.is_file()}
    assert [path.name for path in kept if path.suffix != ".db"] == []
    for content in [*kept.values(), caplog.text.encode()]:
        for trace in (b"Tiruchi", b"12.345", b"76.543", b"127.0.0.1", b"spot.jpg", photo.read_bytes()[:64]):
            assert trace not in content
    (today,) = served.counts.by_day().values()
    (earlier,) = before.values() or [dict.fromkeys(Counted, 0)]
    assert today[Counted.READ] == earlier[Counted.READ] + 1


def test_the_page_has_no_way_to_a_patient() -> None:
    """Not one module of the records is loaded with it."""
    asks = "import sys, dashboard.screening; print([name for name in sys.modules if name.startswith('core.records')])"
    found = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


class TestServedByTheDashboard:
    @pytest.fixture
    def dialect(self) -> str:
        """Only SQLite tells which table is read."""
        return "sqlite"

    def test_it_opens_nothing_but_its_counters_and_the_table_of_clinics(
        self, workspace: Workspace, charts: Charts, photo: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        charts.patient()
        opened, tables, watching = set(), set(), True

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            if watching and event == "sqlite3.connect":
                opened.add(str(arguments[0]))

        def authorize(action: int, about: str | None, *rest: str | None) -> int:
            tables.update({about} if action == sqlite3.SQLITE_READ else ())
            return refusing(action, about, *rest)

        refusing = public_directory._authorize
        monkeypatch.setattr(public_directory, "_authorize", authorize)
        monkeypatch.setattr(session, "workspace", lambda: workspace)
        monkeypatch.setenv("GRADIO_TEMP_DIR", "put back after the test")
        sys.addaudithook(watch)
        home = workspace.settings.home
        with serving(server._screening_app()) as address:
            caller = Caller(address)
            (path,) = caller.upload(photo.read_bytes()).json()
            read = caller.call("upload", uploaded(path))
            found = caller.call("submit", "Chennai", False)
        watching = False
        assert read["success"], read
        assert "Cancer Institute (WIA), Adyar" in json.dumps(found)
        assert opened == {str(home / "screening_counts.db"), f"file:{quote(str(home / 'dermtrail.db'))}?mode=ro"}
        assert tables == {"clinic"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "config"),
        ("GET", "docs"),
        ("GET", "openapi.json"),
        ("GET", "gradio_api/info"),
        ("GET", "gradio_api/openapi.json"),
        ("GET", "gradio_api/file=/etc/hostname"),
        ("GET", "gradio_api/file=../dermtrail.db"),
        ("GET", "gradio_api/proxy=https://example.org/"),
        ("GET", "gradio_api/runs"),
        ("GET", "monitoring"),
        ("POST", "gradio_api/run/answer"),
        ("POST", "gradio_api/call/answer"),
        ("POST", "gradio_api/process_recording"),
        ("POST", "gradio_api/vibe-edit"),
        ("POST", "gradio_api/component_server"),
        ("PUT", ""),
        ("DELETE", "gradio_api/upload"),
    ],
)
def test_nothing_answers_but_what_the_page_needs(served: Served, method: str, path: str) -> None:
    assert httpx.request(method, served.address + path).status_code == 404


@pytest.mark.parametrize("trigger", ["upload", "input", "submit"])
@pytest.mark.parametrize("extra", [{}, {"is_stream": True}, {"url": "/x"}])
def test_a_caller_cannot_have_another_file_of_the_server_read(served: Served, trigger: str, extra: dict) -> None:
    secret = served.home / "secret.txt"
    secret.write_text("the secret of the clinic")
    answered = Caller(served.address).call(trigger, uploaded(str(secret), **extra))
    assert not answered["success"]
    assert "secret of the clinic" not in json.dumps(answered)
    assert secret.read_text() == "the secret of the clinic"
    assert served.uploads == []


def test_an_upload_over_the_limit_is_refused_and_not_kept(served: Served) -> None:
    too_much = b"\xff\xd8\xff" + bytes(IntakeLimits().max_bytes)
    answer = Caller(served.address).upload(too_much)
    assert answer.status_code == 413
    assert served.uploads == []
