"""The public page's door."""

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from core.screening_counts import Counted, ScreeningCounts
from dashboard.screening import door
from dashboard.screening.limits import ScreeningLimits


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    page = Starlette(
        routes=[Route("/{path:path}", lambda _request: PlainTextResponse("let in"), methods=["GET", "POST"])]
    )
    return TestClient(_door(page, tmp_path))


def _door(page: Starlette, folder: Path, **options: Any) -> door.Door:
    limits = options.pop("limits", ScreeningLimits())
    counts = ScreeningCounts(folder.parent / f"{folder.name}.db")
    return door.Door(page, uploads=folder, max_bytes=2**20, limits=limits, counts=counts, **options)


@pytest.mark.parametrize("path", ["/", "/theme.css", "/assets/index.js", "/gradio_api/heartbeat/abc"])
def test_what_the_page_asks_for_is_let_in(client: TestClient, path: str) -> None:
    assert client.get(path).text == "let in"


@pytest.mark.parametrize("path", ["/gradio_api/file=/etc/passwd", "/config", "/gradio_api/info", "/proxy=x", "/admin"])
def test_everything_else_is_not_there(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_full_folder_takes_no_more_uploads(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MOST_UPLOADED", 1000)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "photo").write_bytes(bytes(900))
    assert client.post("/gradio_api/upload").text == "let in"
    (tmp_path / "two").write_bytes(bytes(10_000))
    refused = client.post("/gradio_api/upload")
    assert refused.status_code == 503
    assert "try again" in refused.text
    assert client.post("/gradio_api/queue/join").text == "let in", "a photo that is there can still be read"


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/gradio_api/upload", str(2**20 + 1000), 200),
        ("/gradio_api/upload", str(2**21), 413),
        ("/gradio_api/upload", "many", 411),
        ("/gradio_api/queue/join", "1000", 200),
        ("/gradio_api/queue/join", str(2**20), 413),
    ],
)
def test_a_request_says_its_size_and_is_no_larger_than_the_page_needs(
    client: TestClient, path: str, size: str, status: int
) -> None:
    assert client.post(path, headers={"Content-Length": size}).status_code == status


def test_how_far_an_upload_is_can_be_asked_only_by_its_name_and_not_without_end(
    client: TestClient, tmp_path: Path
) -> None:
    asked = "/gradio_api/upload_progress?upload_id="
    assert client.get(f"{asked}k3j2h5").text == "let in"
    for name in ("", "a" * 41, "a%20b"):
        assert client.get(asked + name).status_code == 404
    busy = TestClient(_door(client.app.app, tmp_path, limits=ScreeningLimits(requests=1)))
    assert [busy.get(f"{asked}k").status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("path", ["/config", "/gradio_api/info", "/gradio_api/call/screen/abc"])
def test_programs_are_let_in_only_where_that_was_switched_on(client: TestClient, tmp_path: Path, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post("/gradio_api/call/screen").status_code == 404
    opened = TestClient(_door(client.app.app, tmp_path, for_programs=True))
    assert opened.get(path).text == "let in"
    assert opened.post("/gradio_api/call/screen").text == "let in"
    assert opened.get("/gradio_api/file=/etc/passwd").status_code == 404


def test_who_asks_too_often_is_told_so_and_counted(client: TestClient, tmp_path: Path) -> None:
    busy = TestClient(_door(client.app.app, tmp_path, limits=ScreeningLimits(uploads=1)))
    assert busy.post("/gradio_api/upload").text == "let in"
    refused = busy.post("/gradio_api/upload")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert "Please try again in a minute" in refused.text
    in_spanish = busy.post("/gradio_api/upload", headers={"Accept-Language": "es-MX"})
    assert in_spanish.status_code == 429
    assert "Inténtelo de nuevo" in in_spanish.text
    (today,) = ScreeningCounts(tmp_path.parent / f"{tmp_path.name}.db").by_day().values()
    assert today[Counted.BUSY] == 2


@pytest.mark.parametrize(
    ("path", "header", "to"),
    [
        ("/", "hi-IN,hi", "/hi"),
        ("/?__theme=dark", "ar", "/ar?__theme=dark"),
        ("/", "en-GB,hi;q=0.5", None),
        ("/?lang=en", "hi", None),
        ("/es", "hi", None),
    ],
)
def test_a_visitor_is_led_to_the_language_of_the_browser(
    client: TestClient, path: str, header: str, to: str | None
) -> None:
    answer = client.get(path, headers={"Accept-Language": header}, follow_redirects=False)
    assert answer.headers.get("location") == to
    assert answer.status_code == (307 if to else 200)
