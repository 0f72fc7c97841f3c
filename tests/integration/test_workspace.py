"""All parts opened together: the first start, the health check, the signing key."""

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import Unavailable
from core.records import clinics
from core.records.database import Database
from core.settings import Settings
from core.workspace import Workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fresh(home: Path) -> Workspace:
    """A workspace whose folder is not there yet."""
    return Workspace(Settings(_env_file=None, home=home / "with space & ümlaut %40 why?"))


def test_the_first_start_makes_everything(fresh: Workspace) -> None:
    fresh.prepare()
    assert stat.S_IMODE(fresh.settings.home.stat().st_mode) == 0o700
    assert fresh.check() == {"status": "ok", "database": "ok", "model_version": fresh.reader.model_version}
    assert len(clinics.list_clinics(fresh.database)) > 10


def test_a_second_start_keeps_what_is_there(fresh: Workspace) -> None:
    fresh.prepare()
    with fresh.database.writing() as session:
        session.execute(text("DELETE FROM clinic WHERE id > 2"))
        session.execute(text("UPDATE clinic SET phone = '12345'"))
    fresh.images.put(b"an image")
    again = Workspace(fresh.settings)
    again.prepare()
    assert [clinic.phone for clinic in clinics.list_clinics(again.database)] == ["12345"] * 2
    assert list(again.images.all())


def test_health_tells_what_does_not_answer(fresh: Workspace, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="database does not answer"):
        fresh.check()
    fresh.prepare()
    older = Workspace(fresh.settings)
    older.database.migrate("base")
    with pytest.raises(Unavailable, match="not at the revision"):
        older.check()
    older.prepare()
    lost = Workspace(fresh.settings.model_copy(update={"model": tmp_path / "no model.json"}))
    with pytest.raises(Unavailable, match="model could not be loaded"):
        lost.check()


def test_a_server_that_does_not_answer_is_told_at_the_start(home: Path, tmp_path: Path) -> None:
    url = f"postgresql+psycopg://postgres@/dermtrail?host={tmp_path}"
    workspace = Workspace(Settings(_env_file=None, home=home, database_url=url))
    with pytest.raises(Unavailable, match="database does not answer"):
        workspace.prepare()


def test_the_signing_key_is_made_once_and_kept_to_its_owner(fresh: Workspace) -> None:
    key = fresh.signing_key
    assert len(key) >= 64
    assert Workspace(fresh.settings).signing_key == key
    assert stat.S_IMODE(fresh.settings.signing_key.stat().st_mode) == 0o600
    assert [path.name for path in fresh.settings.home.iterdir()] == ["signing.key"]


def test_two_that_make_the_key_at_one_moment_agree(home: Path) -> None:
    for number in range(10):
        settings = Settings(_env_file=None, home=home / str(number))
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(lambda _, settings=settings: Workspace(settings).signing_key, range(8)))
        assert len(keys) == 1


START = """
import sys
from core.records.database import Database
database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
database.migrate()
"""


def test_several_that_start_at_one_moment_all_do(home: Path) -> None:
    """As a server and the command line on a new folder."""
    home.mkdir()
    url = f"sqlite:///{home / 'dermtrail.db'}"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", START, url],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert (process.communicate(timeout=60)[1], process.returncode) == ("", 0)
    assert Database(url).is_current()
