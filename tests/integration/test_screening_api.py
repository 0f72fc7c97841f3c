"""The reading for programs, as docs/SCREENING_API.md describes it."""

from pathlib import Path

import pytest
from gradio_client import Client, handle_file

from core.clinics.directory import starting_list
from core.demo.lesion_images import draw_lesion
from core.screening_counts import ScreeningCounts
from core.vision.intake import IntakeLimits
from core.vision.reader import Reader
from dashboard.screening import screening_app
from tests.serving import serving


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
    photo, text = tmp_path / "spot.jpg", tmp_path / "text.jpg"
    draw_lesion(seed=7).save(photo, quality=92)
    text.write_text("this is not a picture")
    with serving(page) as address:
        client = Client(address, verbose=False, analytics_enabled=False)
        answers = '{"changing": "yes", "bleeding": "yes"}'
        found = client.predict(handle_file(str(photo)), answers, api_name="/screen")
        assert found["outcome"] == "see-now"
        assert found["why"]
        assert len(found["reading"]["probabilities"]) == 9
        assert "text" in client.predict(handle_file(str(text)), "{}", api_name="/screen")["error"]
        assert "no question" in client.predict(handle_file(str(photo)), '{"x": 1}', api_name="/screen")["error"]
        assert [path for path in (tmp_path / "screening").rglob("*") if path.is_file()] == []
        client.close()
