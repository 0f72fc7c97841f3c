"""The public page's door."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.screening import door


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    page = Starlette(
        routes=[Route("/{path:path}", lambda _request: PlainTextResponse("let in"), methods=["GET", "POST"])]
    )
    return TestClient(door.Door(page, uploads=tmp_path))


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
    assert "Try again" in refused.text
    assert client.post("/gradio_api/queue/join").text == "let in", "a photo that is there can still be read"
