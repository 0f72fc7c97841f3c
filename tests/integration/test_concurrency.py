"""Sixteen clinicians at once: nothing is lost, nothing is mixed up, and nobody sees a lock."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

from sqlalchemy import text

from core.records import clock, judgements, lesions, patients, users, visits
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.patients import PatientDetails
from core.records.terms import BodySite, ConfirmType, Role
from core.workspace import Workspace
from tests.charts import DETAILS, PASSWORD, Charts, lesion_file
from tests.everything import all_rows

ROOT = Path(__file__).parents[2]
WRITERS = 16
ROUNDS = 4


def a_round(database: Database, actor: Actor, number: str) -> None:
    """One patient from registration to recall."""
    details = replace(DETAILS, record_number=f"N-{number}", name=f"Patient {number}")
    patient = patients.register_patient(database, actor, details=details, is_another_person=True)
    visit = visits.log_visit(database, actor, patient_id=patient.id, at=clock.now(), reason=number)
    visits.get_visit(database, actor, visit_id=visit.id)
    lesion = lesions.add_lesion(database, actor, patient_id=patient.id, body_site=BodySite.TRUNK, description=number)
    judgements.record_diagnosis(
        database, actor, lesion_id=lesion.id, name=number, confirm_type=ConfirmType.SERIAL_IMAGING
    )
    due = clock.today() + timedelta(days=30)
    judgements.set_recall(database, actor, lesion_id=lesion.id, due_on=due, reason=number)
    changed = replace(PatientDetails.of(patient), notes=number)
    patients.edit_patient(database, actor, patient_id=patient.id, details=changed, version=patient.version)
    assert [found.id for found in patients.search_patients(database, actor, query=f"n-{number}")] == [patient.id]


def assert_nothing_was_lost(database: Database, numbers: list[str]) -> None:
    rows = all_rows(database)
    kept = sorted(numbers)
    assert sorted(row["notes"] for row in rows["patient"]) == kept
    assert sorted(row["reason"] for row in rows["visit"]) == kept
    assert sorted(row["description"] for row in rows["lesion"]) == kept
    assert sorted(row["name"] for row in rows["diagnosis"]) == kept
    assert sorted(row["reason"] for row in rows["recall"]) == kept
    owner = {row["id"]: row["notes"] for row in rows["patient"]}
    assert all(owner[row["patient_id"]] == row["reason"] for row in rows["visit"])
    assert all(owner[row["patient_id"]] == row["description"] for row in rows["lesion"])
    done = [row["action"] for row in rows["audit_entry"]]
    for action in ("patient.register", "patient.edit", "visit.log", "lesion.add", "diagnosis.record", "recall.set"):
        assert done.count(action) == len(numbers)


def test_sixteen_threads_write_at_once(database: Database, clinician: Actor) -> None:
    start = Barrier(WRITERS)

    def work(writer: int) -> None:
        start.wait()
        for turn in range(ROUNDS):
            a_round(database, clinician, f"{writer}x{turn}")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(WRITERS)))
    assert_nothing_was_lost(database, [f"{writer}x{turn}" for writer in range(WRITERS) for turn in range(ROUNDS)])


WORK = """
import sys
from concurrent.futures import ThreadPoolExecutor
from core.records.actor import Actor
from core.records.database import Database
from core.records.terms import Role
from tests.integration.test_concurrency import a_round
url, user_id, process, rounds = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
clinician = Actor(user_id=user_id, name="clinician", role=Role.CLINICIAN, address="192.0.2.7")
database = Database(url)
def work(thread):
    for turn in range(rounds):
        a_round(database, clinician, f"{process}p{thread}x{turn}")
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(8) as pool:
    list(pool.map(work, range(8)))
"""


def test_two_processes_of_eight_threads_write_at_once(database: Database, clinician: Actor) -> None:
    arguments = [database.url, str(clinician.user_id)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, *arguments, str(number), "2"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, complaint = process.communicate(timeout=120)
        assert (process.returncode, complaint) == (0, "")
    numbers = [f"{process}p{thread}x{turn}" for process in range(2) for thread in range(8) for turn in range(2)]
    assert_nothing_was_lost(database, numbers)


def test_sixteen_upload_at_once(database: Database, charts: Charts, workspace: Workspace) -> None:
    people = [charts.patient() for _ in range(WRITERS)]
    places = [(charts.visit(patient), charts.lesion(patient)) for patient in people]
    start = Barrier(WRITERS)

    def work(writer: int) -> list[int]:
        start.wait()
        return [charts.image(*places[writer], lesion_file(writer, size=64, visit=turn)).id for turn in range(2)]

    with ThreadPoolExecutor(WRITERS) as pool:
        added = [image_id for ids in pool.map(work, range(WRITERS)) for image_id in ids]
    rows = all_rows(database)
    assert sorted(added) == [row["id"] for row in rows["image"]]
    assert sorted(row["image_id"] for row in rows["reading"]) == sorted(added)
    for row in rows["image"]:
        workspace.images.get(row["sha256"])


def test_sixteen_sign_in_at_once(database: Database) -> None:
    names = [f"clinician{number}" for number in range(WRITERS)]
    for name in names:
        users.add_user(database, OPERATOR, name=name, role=Role.CLINICIAN, password=PASSWORD)
    start = Barrier(WRITERS)

    def work(name: str) -> str:
        start.wait()
        return users.sign_in(database, name=name, password=PASSWORD, address="192.0.2.7")

    with ThreadPoolExecutor(WRITERS) as pool:
        assert len(set(pool.map(work, names))) == WRITERS


def test_readers_see_one_moment_while_others_write(database: Database, clinician: Actor) -> None:
    """A reading session that began before a write does not see it, however long it goes on."""
    a_round(database, clinician, "first")
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM patient")) == 1
        with ThreadPoolExecutor(1) as pool:
            pool.submit(a_round, database, clinician, "second").result()
        assert session.scalar(text("SELECT count(*) FROM patient")) == 1
        assert session.scalar(text("SELECT count(*) FROM visit")) == 1
    assert len(all_rows(database)["patient"]) == 2


def test_committed_is_on_the_disk(database: Database) -> None:
    """The promises that SQLite is asked for, on every connection; PostgreSQL makes its own."""
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"
        return
    for _ in range(2):
        with database.engine.connect() as connection:
            values = {
                name: connection.scalar(text(f"PRAGMA {name}"))
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
        database.dispose()
