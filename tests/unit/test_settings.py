"""The settings: their defaults, where they come from, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.settings import Settings
from core.vision import model_file


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DERMTRAIL_HOME")
    settings = Settings()
    home = Path.home().resolve() / "DermTrail"
    assert settings.home == home
    assert settings.database == f"sqlite:///{home}/dermtrail.db"
    assert settings.images.parent == settings.signing_key.parent == settings.home
    assert (settings.max_image_bytes, settings.max_image_pixels) == (25 * 2**20, 60_000_000)
    assert (settings.idle_limit, settings.session_limit) == (timedelta(minutes=15), timedelta(hours=12))
    assert settings.model == model_file.SHIPPED


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERMTRAIL_HOME", "~/clinic")
    monkeypatch.setenv("DERMTRAIL_DATABASE_URL", "postgresql+psycopg://u:p%40ss@db/clinic")
    monkeypatch.setenv("DERMTRAIL_IDLE_MINUTES", "2.5")
    settings = Settings()
    assert settings.home == Path.home().resolve() / "clinic"
    assert settings.database == "postgresql+psycopg://u:p%40ss@db/clinic"
    assert settings.idle_limit == timedelta(seconds=150)
    assert settings.public_database == settings.database
    monkeypatch.setenv("DERMTRAIL_PUBLIC_DATABASE_URL", "postgresql+psycopg://public@db/clinic")
    assert Settings().public_database == "postgresql+psycopg://public@db/clinic" != Settings().database


def test_a_file_is_read_and_the_environment_goes_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("DERMTRAIL_IDLE_MINUTES=3\nDERMTRAIL_SESSION_HOURS=4\nUNKNOWN=1\n")
    monkeypatch.setenv("DERMTRAIL_SESSION_HOURS", "5")
    settings = Settings()
    assert (settings.idle_minutes, settings.session_hours) == (3, 5)


def test_a_relative_home_does_not_move_with_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERMTRAIL_HOME", "clinic")
    settings = Settings()
    monkeypatch.chdir("/")
    assert settings.home == tmp_path / "clinic"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IDLE_MINUTES", "0"),
        ("IDLE_MINUTES", "soon"),
        ("SESSION_HOURS", "-1"),
        ("MAX_IMAGE_BYTES", "0"),
        ("MAX_IMAGE_PIXELS", "0"),
        ("READING_THREADS", "-1"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"DERMTRAIL_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()
