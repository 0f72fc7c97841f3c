"""The public page, served by the real server with the real model, in a real browser and to callers that are none."""

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starlette.applications import Starlette
from starlette.routing import Mount

from core import guidance
from core.demo.lesion_images import draw_lesion
from core.records.clinics import list_clinics
from core.settings import Settings
from core.taxonomy import term
from core.vision.intake import take_in
from core.workspace import Workspace
from dashboard.screening import screening_app

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
PATIENCE = 60_000

needs_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine")


@dataclass
class Served:
    address: str
    workspace: Workspace

    @property
    def uploads(self) -> list[Path]:
        """Every file that lies in the upload folder."""
        return [path for path in (self.workspace.settings.home / "screening").rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    workspace = Workspace(Settings(home=tmp_path_factory.mktemp("home"), database_url=None))
    workspace.prepare()
    page = screening_app(
        reader=workspace.reader,
        limits=workspace.limits,
        clinics=lambda: list_clinics(workspace.database),
        folder=workspace.settings.home / "screening",
        root_path="/screening",
    )
    app = Starlette(routes=[Mount("/screening", app=page)], lifespan=lambda _: page.router.lifespan_context(page))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        thread.join(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(f"http://127.0.0.1:{port}/screening/", workspace)
    server.should_exit = True
    thread.join(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """The page on a phone's screen, without any internet; an attempt to reach it fails the test."""
    outside: list[str] = []
    context = browser.new_context(viewport={"width": 360, "height": 800})
    context.set_default_timeout(PATIENCE)
    context.route(
        lambda address: not address.startswith((served.address, "data:", "blob:")),
        lambda route: (outside.append(route.request.url), route.abort()),
    )
    page = context.new_page()
    page.goto(served.address)
    yield page
    context.close()
    assert [address for address in outside if not address.endswith("/favicon.ico")] == []


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "spot.jpg"
    draw_lesion(seed=7).save(path, quality=92)
    return path


def _agree(page: Page) -> None:
    page.get_by_role("button", name=guidance.CONSENT_BUTTON).click()


@needs_chromium
def test_a_photo_is_read_and_leads_to_a_doctor_and_is_gone(page: Page, served: Served, photo: Path) -> None:
    expect(page.get_by_text(guidance.CONSENT_POINTS[0])).to_be_visible(timeout=PATIENCE)
    assert page.locator("input[type=file]").count() == 0
    _agree(page)
    page.locator("input[type=file]").set_input_files(photo)

    pixels = take_in(photo.read_bytes(), limits=served.workspace.limits).pixels
    reading = served.workspace.reader.read(pixels)
    outcome = guidance.decide(
        malignant_probability=reading.malignant_probability, flagged=reading.flagged, group=reading.group
    )
    expect(page.locator(".outcome h2")).to_have_text(guidance.guidance(outcome).headline, timeout=PATIENCE)
    expect(page.locator(".match-name")).to_contain_text(term(reading.prediction).title)
    expect(page.locator(".match-name")).to_contain_text(f"{reading.probabilities[reading.prediction]:.0%}")
    expect(page.locator(".match")).to_contain_text(guidance.group_words(reading.group))
    for name in reading.probabilities:
        expect(page.get_by_text(term(name).title).last).to_be_visible()

    heat = page.locator(".heat")
    expect(heat).to_have_js_property("complete", True)
    assert heat.evaluate("image => image.naturalWidth") == 512
    page.locator(".region input[type=range]").fill("1")
    expect(heat).to_have_css("opacity", "1")
    page.locator(".region input[type=range]").fill("0")
    expect(heat).to_have_css("opacity", "0")

    page.get_by_label(guidance.PLACE_LABEL).fill("Madras")
    page.get_by_role("button", name=guidance.PLACE_BUTTON).click()
    first = page.locator(".clinics li").first
    expect(first).to_contain_text("Cancer Institute (WIA), Adyar", timeout=PATIENCE)
    expect(first).to_contain_text("under 1 km")
    expect(first.get_by_role("link")).to_have_attribute("href", "https://cancerinstitutewia.in")

    assert served.uploads == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@needs_chromium
def test_what_is_no_image_gets_a_sentence_and_no_reading(page: Page, served: Served, tmp_path: Path) -> None:
    text = tmp_path / "holiday.jpg"
    text.write_text("this is not a picture")
    _agree(page)
    page.locator("input[type=file]").set_input_files(text)
    expect(page.locator(".outcome h2")).to_have_text("We cannot read this image", timeout=PATIENCE)
    expect(page.locator(".outcome")).to_contain_text("This file is a text")
    expect(page.locator(".outcome")).to_contain_text(guidance.PHOTO_TIPS[0])
    expect(page.locator(".match")).to_have_count(0)
    assert "Traceback" not in page.content()
    assert served.uploads == []


@needs_chromium
def test_a_second_photo_that_cannot_be_read_takes_the_first_answer_away(
    page: Page, photo: Path, tmp_path: Path
) -> None:
    _agree(page)
    page.locator("input[type=file]").set_input_files(photo)
    expect(page.locator(".match")).to_be_visible(timeout=PATIENCE)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(photo.read_bytes()[:2000])
    page.locator("input[type=file]").set_input_files(cut)
    expect(page.locator(".outcome h2")).to_have_text("We cannot read this image", timeout=PATIENCE)
    expect(page.locator(".match")).not_to_be_visible()
    expect(page.locator(".heat")).to_have_count(0)


@needs_chromium
def test_a_place_that_there_is_not(page: Page) -> None:
    _agree(page)
    page.get_by_label(guidance.PLACE_LABEL).fill("qqqqzzzzxxxx")
    page.get_by_label(guidance.PLACE_LABEL).press("Enter")
    expect(page.get_by_text(guidance.PLACE_UNKNOWN)).to_be_visible(timeout=PATIENCE)


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


def _call(served: Served, trigger: str, value: object) -> dict:
    """What the queue answers to a caller that names `value` as the input of the function with this trigger."""
    functions = json.loads(re.search(r"window.gradio_config = (\{.*?\});</script>", httpx.get(served.address).text)[1])
    index = next(f["id"] for f in functions["dependencies"] if any(t[1] == trigger for t in f["targets"]))
    with httpx.Client(base_url=served.address, timeout=60) as client:
        session = {"session_hash": "caller"}
        joined = client.post("gradio_api/queue/join", json={"data": [value], "fn_index": index, **session})
        assert joined.status_code == 200
        with client.stream("GET", "gradio_api/queue/data", params=session) as answers:
            for line in answers.iter_lines():
                if line.startswith("data:") and json.loads(line[5:])["msg"] == "process_completed":
                    return json.loads(line[5:])
    raise AssertionError("the queue never answered")


@pytest.mark.parametrize("trigger", ["upload", "submit"])
@pytest.mark.parametrize("extra", [{}, {"is_stream": True}, {"url": "/x"}])
def test_a_caller_cannot_have_another_file_of_the_server_read(served: Served, trigger: str, extra: dict) -> None:
    secret = served.workspace.settings.home / "secret.txt"
    secret.write_text("the secret of the clinic")
    answered = _call(served, trigger, {"path": str(secret), "meta": {"_type": "gradio.FileData"}, **extra})
    assert not answered["success"]
    assert "secret of the clinic" not in json.dumps(answered)
    assert secret.read_text() == "the secret of the clinic"
    assert served.uploads == []


def test_an_upload_over_the_limit_is_refused_and_not_kept(served: Served) -> None:
    too_much = b"\xff\xd8\xff" + bytes(served.workspace.limits.max_bytes)
    answer = httpx.post(served.address + "gradio_api/upload", files={"files": ("big.jpg", too_much)}, timeout=60)
    assert answer.status_code == 413
    assert served.uploads == []
