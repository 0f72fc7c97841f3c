"""The reading for programs, as docs/SCREENING_API.md describes it."""

import threading
import time
from pathlib import Path

import pytest
import uvicorn
from gradio_client import Client, handle_file
from starlette.applications import Starlette
from starlette.routing import Mount

from core.clinics.directory import starting_list
from core.demo.lesion_images import draw_lesion
from core.screening_counts import ScreeningCounts
from core.vision.intake import IntakeLimits
from core.vision.reader import Reader
from dashboard.screening import screening_app


def test_a_program_gets_the_reading_and_the_advice(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "put back after the test")
    page = screening_app(
        reader=reader,
        limits=IntakeLimits(),
        clinics=starting_list,
        counts=ScreeningCounts(tmp_path / "counts.db"),
        folder=tmp_path / "screening",
        root_path="/screening",
        for_programs=True,
    )
    app = Starlette(routes=[Mount("/screening", app=page)], lifespan=lambda _: page.router.lifespan_context(page))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        thread.join(0.05)
    photo, text = tmp_path / "spot.jpg", tmp_path / "text.jpg"
    draw_lesion(seed=7).save(photo, quality=92)
    text.write_text("this is not a picture")
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}/screening/", verbose=False, analytics_enabled=False)
        answers = '{"changing": "yes", "bleeding": "yes"}'
        found = client.predict(handle_file(str(photo)), answers, api_name="/screen")
        assert found["outcome"] == "see-now"
        assert found["why"]
        assert len(found["reading"]["probabilities"]) == 9
        assert "text" in client.predict(handle_file(str(text)), "{}", api_name="/screen")["error"]
        assert "no question" in client.predict(handle_file(str(photo)), '{"x": 1}', api_name="/screen")["error"]
        assert [path for path in (tmp_path / "screening").rglob("*") if path.is_file()] == []
        client.close()
    finally:
        server.should_exit = True
        thread.join(30)
