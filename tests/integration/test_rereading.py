"""Reading again with the current model: one lesion's history, and the whole clinic from the terminal."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from core.records import lesions, rereading
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.tables import Image, StoredReading
from core.workspace import Workspace
from tests.charts import OLD, Charts, add_old_reading

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dialect() -> str:
    """Both databases answer the verbs in test_records_verbs; here files and processes matter."""
    return "sqlite"


def versions(database: Database, lesion_id: int) -> list[list[str]]:
    found = lesions.images_of_lesion(database, OPERATOR, lesion_id=lesion_id)
    return [[reading.model_version for reading in image.readings] for image in found]


def add_unread(database: Database, workspace: Workspace, first: Image, **changes: object) -> int:
    """The same picture under another name, without a reading; the id of the new image."""
    columns = [column.name for column in Image.__table__.columns if column.name not in ("id", "sha256")]
    values = {name: getattr(first, name) for name in columns} | changes
    sha256 = workspace.images.put(workspace.images.path(first.sha256).read_bytes() + os.urandom(8))
    with database.writing() as session:
        return session.scalars(insert(Image).values(**values, sha256=sha256).returning(Image.id)).one()


def test_only_what_another_version_read_last_is_outdated(
    database: Database, charts: Charts, staff: Actor, workspace: Workspace
) -> None:
    now = workspace.reader.model_version
    patient, visit, lesion, _fresh = charts.filled()
    outdated = charts.image(charts.visit(patient, days_ago=30), lesion)
    add_old_reading(database, outdated)
    other = charts.lesion(patient)
    elsewhere = charts.image(visit, other)
    add_old_reading(database, elsewhere)
    unread = add_unread(database, workspace, elsewhere)

    def found(**which: object) -> list[int]:
        return rereading.outdated_images(database, staff, model_version=now, **which)  # type: ignore[arg-type]

    assert found() == [outdated.id, elsewhere.id]
    assert found(unread_too=True) == [outdated.id, elsewhere.id, unread]
    assert found(lesion_id=lesion.id) == [outdated.id]
    assert found(lesion_id=other.id, unread_too=True) == [elsewhere.id, unread]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_history_is_read_again_and_what_fails_is_told(
    database: Database, charts: Charts, staff: Actor, workspace: Workspace, workers: int
) -> None:
    now = workspace.reader.model_version
    patient, _, lesion, _ = charts.filled()
    for days in (10, 20, 30):
        charts.image(charts.visit(patient, days_ago=days), lesion)
    found = lesions.images_of_lesion(database, staff, lesion_id=lesion.id)
    for image in found:
        add_old_reading(database, image)
    lost = found[1]
    workspace.images.path(lost.sha256).unlink()
    ids = rereading.outdated_images(database, staff, model_version=now, lesion_id=lesion.id)
    done = list(
        rereading.read_all_again(
            database, staff, store=workspace.images, reader=workspace.reader, image_ids=ids, workers=workers
        )
    )
    assert {one.image_id: one.error for one in done} == {
        image.id: "There is no such image in the store." if image is lost else None for image in found
    }
    kept = versions(database, lesion.id)
    assert kept == [[now, OLD] if image is lost else [now, OLD, now] for image in found]
    assert rereading.outdated_images(database, staff, model_version=now) == [lost.id]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "core", "reread", *arguments]


def test_the_command_counts_what_it_did_and_what_failed(
    database: Database, charts: Charts, workspace: Workspace
) -> None:
    now = workspace.reader.model_version
    patient, visit, lesion, image = charts.filled()
    add_old_reading(database, image)
    add_unread(database, workspace, image, visit_id=charts.visit(patient, days_ago=30).id)

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)

    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Read 1 of 1 images with {now}; 0 failed." in done.stdout
    lost = charts.image(visit, charts.lesion(patient))
    add_old_reading(database, lost)
    workspace.images.path(lost.sha256).unlink()
    done = run("--all", "--workers", "2")
    assert done.returncode == 1
    assert done.stderr == f"image {lost.id}: There is no such image in the store.\n"
    assert f"Read 1 of 2 images with {now}; 1 failed." in done.stdout
    assert versions(database, lesion.id) == [[now], [now, OLD, now]]


def test_a_run_that_was_killed_goes_on(database: Database, charts: Charts, workspace: Workspace) -> None:
    now, count = workspace.reader.model_version, 40
    patient = charts.patient()
    lesion = charts.lesion(patient)
    first = charts.image(charts.visit(patient), lesion)
    for _ in range(count - 1):
        add_unread(database, workspace, first)
    add_old_reading(database, first)

    def read_now() -> int:
        query = select(func.count(StoredReading.id)).where(StoredReading.model_version == now)
        with database.reading() as session:
            return session.scalar(query) or 0

    before = read_now()
    with subprocess.Popen(command("--all"), cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        latest = time.monotonic() + 120
        while read_now() < before + 3:
            assert process.poll() is None
            assert time.monotonic() < latest
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    done = read_now() - before
    left = rereading.outdated_images(database, OPERATOR, model_version=now, unread_too=True)
    assert 3 <= done < count
    assert len(left) == count - done
    again = subprocess.run(command("--all"), cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert again.returncode == 0, again.stderr
    assert f"Read {count - done} of {count - done} images" in again.stdout
    assert read_now() == before + count
