"""OpenStreetMap's API, as a server of this machine that plays it: piece by piece, cut off, busy, and wrong."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

import pytest

from core.clinics.overpass import Download, area_called
from core.errors import Invalid, Unavailable


class Api:
    """Answers each question with the next of `answers` (status, body), and with no clinic once they are used up."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.asked: list[str] = []
        self.url = ""

    def __call__(self, query: str) -> tuple[int, str]:
        self.asked.append(query)
        return self.answers.pop(0) if self.answers else (200, answer())


def answer(*ids: int, moment: str = "2026-11-24T10:00:00Z") -> str:
    elements = [
        {"type": "node", "id": id, "lat": 13.0 + id, "lon": 80.0, "tags": {"name": f"H{id}", "amenity": "hospital"}}
        for id in ids
    ]
    return json.dumps({"osm3s": {"timestamp_osm_base": moment}, "elements": elements})


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, text = api(parse_qs(body)["data"][0])
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}/api"
    yield api
    server.shutdown()
    server.server_close()


Start = Callable[..., Download]


@pytest.fixture
def start(api: Api, tmp_path: Path) -> Start:
    def begin(area: str = "8,76,16,80") -> Download:
        return Download(area_called(area), url=api.url, folder=tmp_path / "overpass", wait=lambda _seconds: None)

    return begin


def ids(download: Download) -> list[int]:
    return [element["id"] for piece in download.pieces() for element in piece["elements"]]


def test_a_download_that_was_cut_off_goes_on_where_it_stopped(api: Api, start: Start) -> None:
    api.answers = [(200, answer(1)), (400, "no")]
    with pytest.raises(Unavailable, match="refused"):
        ids(start())
    api.answers = [(200, answer(2))]
    assert ids(start()) == [1, 2]
    assert len(api.asked) == 3


def test_once_finished_only_what_has_changed_is_asked_for(api: Api, start: Start) -> None:
    first = start()
    api.answers = [(200, answer(1, moment="2026-11-24T10:00:00Z")), (200, answer(2, moment="2026-11-24T09:00:00Z"))]
    assert ids(first) == [1, 2]
    first.finish()
    assert "newer" not in api.asked[0] and '["healthcare"="dermatologist"]' in api.asked[0]
    assert ids(start()) == []
    assert '(newer:"2026-11-24T09:00:00Z")' in api.asked[-1]


def test_a_busy_server_is_asked_again(api: Api, start: Start) -> None:
    api.answers = [(429, ""), (504, ""), (200, answer(1))]
    assert ids(start()) == [1]


@pytest.mark.parametrize(
    ("answers", "word"),
    [
        ([(429, "")] * 5, "busy"),
        ([(200, "<html>sorry</html>")], "not an answer"),
        ([(200, json.dumps({"elements": [], "remark": "runtime error: Query timed out"}))], "gave up"),
    ],
)
def test_what_is_no_answer_is_told_and_not_kept(
    api: Api, start: Start, answers: list[tuple[int, str]], word: str
) -> None:
    api.answers = answers
    with pytest.raises(Unavailable, match=word):
        ids(start())
    assert ids(start()) == []


def test_a_country_is_asked_for_by_its_area_in_pieces() -> None:
    area = area_called("Sri Lanka")
    assert area.country == "LK" and 1 < len(area.pieces) < 10
    assert area_called("lk") == area


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "10,0,5,1", "0,0,91,1", "nan,0,1,1", "Atlantis"])
def test_what_is_no_area(text: str) -> None:
    with pytest.raises(Invalid):
        area_called(text)
