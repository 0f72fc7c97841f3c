"""Backup and restore: everything, between both databases, whole or not at all."""

import io
import random
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, text

from core.errors import Conflict, Invalid
from core.exchange import backup
from core.exchange.backup import IMAGES, RECORDS, back_up, restore
from core.records import users
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.tables import Base, Recall
from core.records.terms import Role
from core.workspace import Workspace
from tests.charts import PASSWORD, Charts
from tests.everything import all_rows, fill_every_table

NOT_RESTORED = ("user_session", "sign_in_tries")


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Another clinic's database, new."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "target.db")
        database = Database(f"sqlite:///{tmp_path / 'target.db'}")
        yield database
        database.dispose()
    else:
        cluster = request.getfixturevalue("migrated_cluster")
        database = Database(cluster.create("target", template="template"))
        yield database
        database.dispose()
        cluster.drop("target")


@pytest.fixture
def other_store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "elsewhere" / "images")


@pytest.fixture
def full(database: Database, charts: Charts, clinician: Actor) -> Database:
    """The database with rows in every table, and the files that they name in the workspace."""
    fill_every_table(database, charts, clinician)
    return database


def same_records(one: dict[str, list[dict[str, Any]]], other: dict[str, list[dict[str, Any]]]) -> bool:
    """Whether `other` holds the records of `one`, and besides them only that it was restored."""
    restored = other["audit_entry"][-1]
    assert (restored["action"], restored["user_name"]) == ("records.restore", "operator")
    other = {**other, "audit_entry": other["audit_entry"][:-1]}
    return all(other[name] == ([] if name in NOT_RESTORED else rows) for name, rows in one.items())


def test_everything_comes_back(
    full: Database, target: Database, workspace: Workspace, other_store: ImageStore, tmp_path: Path
) -> None:
    before = all_rows(full)
    written = back_up(full, workspace.images, tmp_path / "backup.zip")
    content = restore(target, other_store, tmp_path / "backup.zip")
    assert content == written
    assert (content.patients, content.images, content.files) == (1, 1, 3)
    assert same_records(before, all_rows(target))
    assert sorted(other_store.all()) == sorted(workspace.images.all())
    for sha256 in other_store.all():
        assert other_store.get(sha256) == workspace.images.get(sha256)
    done = all_rows(full)["audit_entry"][-1]
    assert (done["action"], done["user_name"]) == ("records.backup", "operator")


def test_work_goes_on_after_a_restore(
    full: Database, target: Database, workspace: Workspace, other_store: ImageStore, tmp_path: Path
) -> None:
    """Ids continue where they were, the tables are the newest, what was recorded still cannot be changed."""
    back_up(full, workspace.images, tmp_path / "backup.zip")
    restore(target, other_store, tmp_path / "backup.zip")
    account = next(user for user in users.list_users(target, OPERATOR) if user.name == "clinician")
    actor = Actor(user_id=account.id, name=account.name, role=Role.CLINICIAN, address="192.0.2.7")
    last = {name: rows[-1]["id"] for name, rows in all_rows(target).items() if rows}
    image = fill_every_table(target, Charts(target, actor, workspace.intake), actor)
    assert image.id == last["image"] + 1
    for name, rows in all_rows(target).items():
        ids = [row["id"] for row in rows]
        assert len(set(ids)) == len(ids) > 0, name
    assert target.is_current()
    with pytest.raises(Exception, match="append-only"), target.writing() as session:
        session.execute(text("DELETE FROM audit_entry"))
    assert users.sign_in(target, name="clinician", password=PASSWORD, address="192.0.2.7")


def test_there_and_back_again(
    full: Database, target: Database, workspace: Workspace, other_store: ImageStore, tmp_path: Path
) -> None:
    before = all_rows(full)
    back_up(full, workspace.images, tmp_path / "first.zip")
    restore(target, other_store, tmp_path / "first.zip")
    there = all_rows(target)
    back_up(target, other_store, tmp_path / "second.zip")
    restore(full, workspace.images, tmp_path / "second.zip", force=True)
    assert same_records(there, all_rows(full))
    assert all_rows(full)["patient"] == before["patient"]


def test_a_restore_over_records_must_be_forced(
    full: Database, workspace: Workspace, clinician: Actor, tmp_path: Path
) -> None:
    back_up(full, workspace.images, tmp_path / "backup.zip")
    Charts(full, clinician, workspace.intake).filled(name="Björn Lindqvist")
    before = all_rows(full)
    with pytest.raises(Conflict, match="There are records here already"):
        restore(full, workspace.images, tmp_path / "backup.zip")
    assert all_rows(full) == before
    restore(full, workspace.images, tmp_path / "backup.zip", force=True)
    assert [row["name"] for row in all_rows(full)["patient"]] == ["Meera Iyer"]


def test_a_restore_into_a_database_without_tables(
    full: Database, empty_database: Database, workspace: Workspace, other_store: ImageStore, tmp_path: Path
) -> None:
    before = all_rows(full)
    back_up(full, workspace.images, tmp_path / "backup.zip")
    restore(empty_database, other_store, tmp_path / "backup.zip")
    assert same_records(before, all_rows(empty_database))


def test_a_backup_is_for_its_owner_and_takes_its_place_whole(
    full: Database, workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "backup.zip"
    path.write_text("the backup of last week")
    back_up(full, workspace.images, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert zipfile.ZipFile(path).testzip() is None
    last_week = path.read_bytes()
    workspace.images.path(next(workspace.images.all())).write_bytes(b"damaged")
    with pytest.raises(Exception, match="damaged"):
        back_up(full, workspace.images, path)
    assert path.read_bytes() == last_week
    assert sorted(found.name for found in tmp_path.iterdir()) == ["backup.zip", "home"]


def test_a_folder_that_is_not_there(full: Database, workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        back_up(full, workspace.images, tmp_path / "nowhere" / "backup.zip")
    with pytest.raises(FileNotFoundError):
        restore(full, workspace.images, tmp_path / "backup.zip", force=True)


def rewritten(good: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """A backup whose files were changed by `change`, in a whole zip file."""
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_records(good: bytes, statements: list[str], folder: Path) -> bytes:
    """A backup whose records were changed by `statements`."""

    def edit(files: dict[str, bytes]) -> None:
        path = folder / "edited.db"
        path.write_bytes(files[RECORDS])
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = DELETE")
        for statement in statements:
            connection.execute(statement)
        connection.close()
        files[RECORDS] = path.read_bytes()
        path.unlink()

    return rewritten(good, edit)


def bad_backups(good: bytes, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of files that are no whole backup."""
    yield "empty", b""
    yield "text", b"dear clinic\n" * 100
    yield "empty zip", b"PK\5\6" + bytes(18)
    for share in (0.01, 0.3, 0.7, 0.99):
        yield f"cut at {share:.0%}", good[: int(len(good) * share)]
    yield "cut by a byte", good[:-1]
    yield "records that are text", rewritten(good, lambda files: files.update({RECORDS: b"dear clinic\n" * 1000}))
    yield "records that are empty", rewritten(good, lambda files: files.update({RECORDS: b""}))

    def be_something_else(files: dict[str, bytes]) -> None:
        files.clear()
        files["letter.txt"] = b"dear clinic\n"

    def lose_the_records(files: dict[str, bytes]) -> None:
        files.pop(RECORDS)

    def lose_an_image(files: dict[str, bytes]) -> None:
        files.pop(next(name for name in files if name.startswith(IMAGES)))

    def change_an_image(files: dict[str, bytes]) -> None:
        name = next(name for name in files if name.startswith(IMAGES))
        files[name] = files[name][:-1] + b"x"

    def damage_records(files: dict[str, bytes]) -> None:
        records = bytearray(files[RECORDS])
        records[8192 : len(records) // 2] = bytes(len(records) // 2 - 8192)
        files[RECORDS] = bytes(records)

    yield "a zip of something else", rewritten(good, be_something_else)
    yield "without records", rewritten(good, lose_the_records)
    yield "an image is missing", rewritten(good, lose_an_image)
    yield "an image is another", rewritten(good, change_an_image)
    yield "a stranger among the images", rewritten(good, lambda files: files.update({IMAGES + "../../x": b"x"}))
    yield "damaged records", rewritten(good, damage_records)
    for name, statements in {
        "a database of something else": ["DROP TABLE alembic_version"],
        "a later version": ["UPDATE alembic_version SET version_num = '9999'"],
        "no version": ["DELETE FROM alembic_version"],
        "a table is missing": ["DROP TABLE review"],
        "a column is missing": ["ALTER TABLE visit DROP COLUMN notes"],
        "a visit of nobody": ["PRAGMA foreign_keys = OFF", "UPDATE visit SET patient_id = 4711"],
        "a date that is none": ["UPDATE patient SET birth_date = 'soon'"],
        "a role that is none": ["PRAGMA ignore_check_constraints = ON", "UPDATE user_account SET role = 'king'"],
        "a name that is none": [
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'full_name VARCHAR(200) NOT NULL', 'full_name VARCHAR(200)')",
            "PRAGMA writable_schema = RESET",
            "UPDATE user_account SET full_name = NULL",
        ],
    }.items():
        yield name, with_records(good, statements, folder)


def test_what_is_no_whole_backup_changes_nothing(
    full: Database, workspace: Workspace, other_store: ImageStore, tmp_path: Path
) -> None:
    back_up(full, workspace.images, tmp_path / "backup.zip")
    good = (tmp_path / "backup.zip").read_bytes()
    before = all_rows(full)
    for name, data in bad_backups(good, tmp_path):
        (tmp_path / "bad.zip").write_bytes(data)
        try:
            restore(full, other_store, tmp_path / "bad.zip", force=True)
        except Invalid as error:
            assert str(error).endswith("."), name
        else:
            pytest.fail(f"{name} was restored")
        assert all_rows(full) == before, name
        assert [path for path in other_store.root.rglob("*") if path.is_file()] == [], name
    restore(full, other_store, tmp_path / "backup.zip", force=True)


def test_one_wrong_byte_changes_nothing_or_does_not_matter(
    full: Database, workspace: Workspace, tmp_path: Path
) -> None:
    back_up(full, workspace.images, tmp_path / "backup.zip")
    good = (tmp_path / "backup.zip").read_bytes()
    content = {name: rows for name, rows in all_rows(full).items() if name not in ("audit_entry", *NOT_RESTORED)}
    places = random.Random(5)
    refused = 0
    # The zip's own directory at the end is where one byte can mislead the most.
    for position in [*places.sample(range(len(good)), 25), *places.sample(range(len(good) - 400, len(good)), 25)]:
        wrong = bytearray(good)
        wrong[position] ^= 1 << places.randrange(8)
        (tmp_path / "wrong.zip").write_bytes(wrong)
        try:
            restore(full, workspace.images, tmp_path / "wrong.zip", force=True)
        except Invalid:
            refused += 1
        assert {name: all_rows(full)[name] for name in content} == content
        for sha256 in workspace.images.all():
            workspace.images.get(sha256)
    assert refused > 20


def test_a_restore_that_is_stopped_leaves_the_records_as_they_were(
    full: Database, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(full, workspace.images, tmp_path / "backup.zip")
    before = all_rows(full)
    real = backup._copy

    def stopped(source: Database, connection: Any) -> None:
        real(source, connection)
        connection.execute(delete(Recall))
        connection.execute(insert(Base.metadata.tables["patient_search_term"]), [{"patient_id": 1, "term": "half"}])
        raise KeyboardInterrupt

    monkeypatch.setattr(backup, "_copy", stopped)
    with pytest.raises(KeyboardInterrupt):
        restore(full, workspace.images, tmp_path / "backup.zip", force=True)
    assert all_rows(full) == before


def test_a_backup_while_others_write_is_one_moment(
    target: Database, workspace: Workspace, charts: Charts, other_store: ImageStore, tmp_path: Path
) -> None:
    """Each chart is whole in it or not there: no visit without its patient, no image without its file."""
    charts.filled()
    stop = False

    def write_on() -> int:
        count = 0
        while not stop:
            charts.filled()
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write_on) for _ in range(4)]
        try:
            for number in range(3):
                back_up(workspace.database, workspace.images, tmp_path / f"{number}.zip")
        finally:
            stop = True
        assert sum(writer.result() for writer in writers) > 0
    sizes = []
    for number in range(3):
        content = restore(target, other_store, tmp_path / f"{number}.zip", force=True)
        rows = all_rows(target)
        sizes.append(content.patients)
        assert len(rows["patient"]) >= len(rows["visit"]) >= len(rows["lesion"]) >= len(rows["image"]) >= 1
        assert len(rows["image"]) == len(rows["reading"])
        registered = [row["subject_id"] for row in rows["audit_entry"] if row["action"] == "patient.register"]
        assert sorted(registered) == [row["id"] for row in rows["patient"]]
        for row in rows["image"]:
            other_store.get(row["sha256"])
    assert sizes == sorted(sizes)
