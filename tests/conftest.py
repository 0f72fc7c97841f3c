"""What the tests share: databases of both kinds, an account of each role, a workspace, charts.

`database` runs a test on SQLite and again on PostgreSQL. A module that needs one of them only says so with a fixture of
its own called `dialect`. No test sees the settings of whoever runs it, nor their data folder.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from core.records import passwords, users
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.images import Intake
from core.records.terms import Role
from core.settings import Settings
from core.vision import model_file
from core.vision.reader import Reader
from core.workspace import Workspace
from tests import postgresql
from tests.charts import PASSWORD, Charts
from tests.needs import needs, postgresql_programs
from tests.postgresql import Cluster


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash with argon2's smallest parameters: the real ones cost a tenth of a second and more on purpose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that the settings, and every process that the test starts, find in the environment."""
    for name in [name for name in os.environ if name.startswith("DERMTRAIL_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("DERMTRAIL_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL server for all tests."""
    programs = postgresql_programs()
    needs(programs, "Debian's postgresql")
    assert programs is not None
    with postgresql.running(programs) as running:
        yield running


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with all tables and no row, to be copied."""
    path = tmp_path_factory.mktemp("template") / "dermtrail.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_cluster(cluster: Cluster) -> Cluster:
    """The PostgreSQL server with such a database in it, called `template`."""
    _migrate(cluster.create("template"))
    return cluster


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    # Closing the last connection folds SQLite's log into the file, so that the file alone is the database.
    database.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Which database `database` and `empty_database` are."""
    return str(request.param)


@pytest.fixture
def database(dialect: str, home: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of its own with all tables and no row."""
    if dialect == "sqlite":
        home.mkdir(exist_ok=True)
        shutil.copy(request.getfixturevalue("migrated_file"), home / "dermtrail.db")
        yield from _opened(f"sqlite:///{home / 'dermtrail.db'}")
    else:
        cluster = request.getfixturevalue("migrated_cluster")
        yield from _opened(cluster.create("test", template="template"))
        cluster.drop("test")


@pytest.fixture
def empty_database(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A second database, without tables."""
    if dialect == "sqlite":
        yield from _opened(f"sqlite:///{tmp_path / 'empty.db'}")
    else:
        cluster = request.getfixturevalue("cluster")
        yield from _opened(cluster.create("empty"))
        cluster.drop("empty")


def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture
def staff(database: Database) -> Actor:
    """Somebody at the desk, with an account called staff and PASSWORD."""
    return _account(database, Role.STAFF)


@pytest.fixture
def clinician(database: Database) -> Actor:
    """A clinician, with an account called clinician and PASSWORD."""
    return _account(database, Role.CLINICIAN)


@pytest.fixture
def administrator(database: Database) -> Actor:
    """An administrator, with an account called administrator and PASSWORD."""
    return _account(database, Role.ADMINISTRATOR)


def _account(database: Database, role: Role) -> Actor:
    user = users.add_user(
        database, OPERATOR, name=str(role), full_name=f"Test {role.capitalize()}", role=role, password=PASSWORD
    )
    return Actor(user_id=user.id, name=user.name, role=user.role, address="192.0.2.7")


@pytest.fixture(scope="session")
def reader() -> Reader:
    """The shipped model, loaded once."""
    needs(model_file.SHIPPED.exists(), "the model file in the repository")
    return Reader(model_file.SHIPPED)


@pytest.fixture
def workspace(database: Database, home: Path, reader: Reader) -> Workspace:
    """All parts together: `database`, an empty image store under `home`, the shipped model; the directory is filled."""
    workspace = Workspace(Settings(_env_file=None, home=home, database_url=database.url))
    workspace.database = database
    workspace.reader = reader
    workspace.prepare()
    return workspace


@pytest.fixture
def intake(workspace: Workspace) -> Intake:
    """What taking in an image needs."""
    return workspace.intake


@pytest.fixture
def charts(database: Database, clinician: Actor, intake: Intake) -> Charts:
    """Makes patients, visits, lesions and images in `database` as `clinician`."""
    return Charts(database, clinician, intake)
