"""The directory: imports that never overwrite people, edits, the door for the public, referrals and their letter."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from core.clinics.directory import ClinicEntry
from core.clinics.kind import ClinicKind
from core.errors import Conflict, Invalid, LikelyDuplicate, NotFound
from core.exchange.letters import referral_letter
from core.records import audit, clinics, referrals
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.public_directory import PublicDirectory
from core.records.terms import ReferralState
from core.settings import Settings
from core.workspace import Workspace
from tests.charts import Charts
from tests.everything import all_rows
from tests.postgresql import Cluster
from tests.server import ROOT

TOWN = ClinicEntry(
    name="City Cancer Center", kind=ClinicKind.CANCER_CENTRE, country="IN", city="Chennai", latitude=13.09,
    longitude=80.28, position_approximate=True, source="https://example.org",
)  # fmt: skip
MAPPED = replace(
    TOWN, name="City Cancer Centre", latitude=13.01, longitude=80.22, position_approximate=False, phone="+91 44 1",
    source="https://www.openstreetmap.org/way/1", source_key="osm:way/1",
)  # fmt: skip


def counts(database: Database, *entries: ClinicEntry) -> tuple[int, ...]:
    count = clinics.import_clinics(database, OPERATOR, entries=entries)
    return count.added, count.updated, count.unchanged, count.kept, count.merged


def test_the_same_import_again_adds_and_changes_nothing(database: Database) -> None:
    twin = replace(MAPPED, source_key="osm:node/2", latitude=13.012)
    other = replace(MAPPED, name="City Cancer Centre 2", source_key="osm:node/3")
    assert counts(database, MAPPED, twin, other) == (2, 0, 0, 0, 1)
    before = all_rows(database)["clinic"]
    assert counts(database, twin, other, MAPPED) == (0, 0, 2, 0, 1)
    assert all_rows(database)["clinic"] == before


def test_a_clinic_known_from_elsewhere_is_completed_and_not_replaced(database: Database) -> None:
    clinics.fill_empty_directory(database, [TOWN])
    assert counts(database, MAPPED) == (0, 1, 0, 0, 0)
    (clinic,) = clinics.list_clinics(database)
    assert (clinic.name, clinic.phone, clinic.latitude) == ("City Cancer Center", "+91 44 1", 13.01)
    assert (clinic.position_approximate, clinic.source) == (False, "https://example.org")
    assert counts(database, MAPPED) == (0, 0, 1, 0, 0)


def test_an_import_updates_what_it_brought_and_never_what_people_edited(
    database: Database, administrator: Actor
) -> None:
    counts(database, MAPPED)
    assert counts(database, replace(MAPPED, phone="+91 44 2")) == (0, 1, 0, 0, 0)
    (clinic,) = clinics.list_clinics(database)
    assert clinic.phone == "+91 44 2"
    edited = replace(clinics.entry_of(clinic), phone="+91 44 3")
    clinics.edit_clinic(database, administrator, clinic_id=clinic.id, entry=edited)
    assert counts(database, replace(MAPPED, phone="+91 44 4")) == (0, 0, 0, 1, 0)
    assert clinics.list_clinics(database)[0].phone == "+91 44 3"
    clinics.set_retired(database, administrator, clinic_id=clinic.id, retired=True)
    assert counts(database, MAPPED) == (0, 0, 0, 1, 0)
    assert clinics.list_clinics(database) == []
    assert [retired.id for retired in clinics.retired_clinics(database, administrator)] == [clinic.id]


def test_a_second_clinic_of_the_name_is_added_only_on_purpose(database: Database, administrator: Actor) -> None:
    first = clinics.add_clinic(database, administrator, entry=TOWN)
    with pytest.raises(LikelyDuplicate) as raised:
        clinics.add_clinic(database, administrator, entry=MAPPED)
    assert raised.value.candidates == [first.id]
    clinics.add_clinic(database, administrator, entry=MAPPED, is_another=True)
    assert len(clinics.list_clinics(database)) == 2


@pytest.mark.parametrize(
    "change",
    [{"name": " "}, {"city": ""}, {"country": ""}, {"latitude": 91.0}, {"longitude": 181.0}, {"phone": "1" * 41},
     {"website": "javascript:alert(1)"}],
)  # fmt: skip
def test_an_entry_that_cannot_be_kept(database: Database, administrator: Actor, change: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        clinics.add_clinic(database, administrator, entry=replace(TOWN, **change))
    assert clinics.list_clinics(database) == []


def test_an_import_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(DBAPIError):
        counts(database, MAPPED, replace(TOWN, name="Elsewhere", latitude=40.0, country="INDIA" * 9, longitude=500.0))
    assert clinics.list_clinics(database) == []


class TestPublicDirectory:
    @pytest.fixture
    def dialect(self) -> str:
        """Only SQLite can refuse a connection single tables."""
        return "sqlite"

    def test_it_reads_the_clinics_and_is_refused_all_else(self, database: Database, charts: Charts) -> None:
        charts.patient()
        door = PublicDirectory(database.url)
        assert len(door.clinics()) == len(clinics.list_clinics(database)) > 0
        tables = set(all_rows(database)) | {"sqlite_master", "alembic_version"}
        for table in tables - {"clinic"}:
            with pytest.raises(DBAPIError, match=r"prohibited|authorized"), door.engine.connect() as connection:
                connection.execute(text(f"SELECT * FROM {table}"))
        for change in ("DELETE FROM clinic", "ATTACH ':memory:' AS other", "PRAGMA writable_schema = ON"):
            with pytest.raises(DBAPIError), door.engine.connect() as connection:
                connection.execute(text(change))
        with (
            pytest.raises(sqlite3.OperationalError),
            sqlite3.connect(f"file:{Path(database.engine.url.database)}?mode=ro", uri=True) as raw,
        ):
            raw.execute("DELETE FROM clinic")

    def test_it_follows_the_directory_and_reads_it_only_when_it_has_changed(
        self, database: Database, administrator: Actor
    ) -> None:
        added = clinics.add_clinic(database, administrator, entry=TOWN)
        door = PublicDirectory(database.url)
        first = door.clinics()
        assert [clinic.name for clinic in first] == [TOWN.name] and door.clinics() is first
        clinics.edit_clinic(database, administrator, clinic_id=added.id, entry=replace(TOWN, name="Renamed", phone="1"))
        assert [(clinic.name, clinic.phone) for clinic in door.clinics()] == [("Renamed", "1")]
        clinics.set_retired(database, administrator, clinic_id=added.id, retired=True)
        assert list(door.clinics()) == []


class TestPublicDirectoryOfPostgreSQL:
    @pytest.fixture
    def dialect(self) -> str:
        return "postgresql"

    @pytest.fixture
    def public_url(self, database: Database, cluster: Cluster) -> Iterator[str]:
        """The URL of the role that the README tells operators to make."""
        (statements,) = re.findall(r"```sql\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
        with database.engine.begin() as connection:
            connection.exec_driver_sql(statements)
        yield cluster.url(str(database.engine.url.database), user="dermtrail_public")
        with database.engine.begin() as connection:
            connection.exec_driver_sql("DROP OWNED BY dermtrail_public; DROP ROLE dermtrail_public")

    def test_the_database_refuses_the_public_role_all_but_the_clinics(
        self, database: Database, charts: Charts, home: Path, public_url: str
    ) -> None:
        charts.patient()
        settings = Settings(_env_file=None, home=home, database_url=database.url, public_database_url=public_url)
        door = Workspace(settings).public_directory
        try:
            assert len(door.clinics()) == len(clinics.list_clinics(database)) > 0
            for table in set(all_rows(database)) | {"alembic_version"}:
                if table != "clinic":
                    with pytest.raises(ProgrammingError, match="permission denied"), door.engine.connect() as reading:
                        reading.execute(text(f"SELECT * FROM {table}"))
            # Not even without this module, which makes its transactions read-only.
            engine = create_engine(public_url)
            for change in ("DELETE FROM clinic", "UPDATE clinic SET name = ''", "CREATE TABLE mine (id int)"):
                with pytest.raises(ProgrammingError, match="permission denied"), engine.begin() as connection:
                    connection.execute(text(change))
            engine.dispose()
        finally:
            door.engine.dispose()

    def test_without_such_a_role_it_reads_the_clinics_as_the_records_do(
        self, database: Database, charts: Charts
    ) -> None:
        door = PublicDirectory(database.url)
        assert len(door.clinics()) == len(clinics.list_clinics(database)) > 0
        with pytest.raises(DBAPIError, match="read-only"), door.engine.connect() as connection:
            connection.execute(text("DELETE FROM clinic"))
        door.engine.dispose()


def test_a_referral_goes_from_sent_to_seen_to_closed(database: Database, charts: Charts, clinician: Actor) -> None:
    patient = charts.patient(name="<b>Meera</b> {{ 7*7 }}")
    lesion, other = charts.lesion(patient), charts.lesion(charts.patient())
    (clinic, *_) = clinics.list_clinics(database)
    asked = {"patient_id": patient.id, "clinic_id": clinic.id}
    for wrong, error in (
        ({"reason": "  "}, Invalid),
        ({"reason": "x", "clinic_id": 9999}, NotFound),
        ({"reason": "x", "patient_id": 9999}, NotFound),
        ({"reason": "x", "lesion_id": other.id}, NotFound),
    ):
        with pytest.raises(error):
            referrals.refer(database, clinician, **(asked | wrong))
    sent = referrals.refer(database, clinician, **asked, lesion_id=lesion.id, reason="A mole\nthat grows.", urgent=True)
    with pytest.raises(Conflict):
        referrals.refer(database, clinician, **asked, lesion_id=lesion.id, reason="Again")

    html = referral_letter(referrals.take_out(database, clinician, referral_id=sent.id))
    for word in (
        "&lt;b&gt;Meera",
        "{{ 7*7 }}",
        "A mole\nthat grows.",
        clinic.name.split(",")[0],
        "Urgent",
        f"L1, {lesion.place}",
    ):
        assert word in html
    assert "<b>Meera" not in html and "<script" not in html and "src=" not in html

    referrals.move_referral(database, clinician, referral_id=sent.id, state=ReferralState.SEEN)
    with pytest.raises(Conflict):
        referrals.move_referral(database, clinician, referral_id=sent.id, state=ReferralState.SENT)
    referrals.move_referral(database, clinician, referral_id=sent.id, state=ReferralState.CLOSED)
    with pytest.raises(Conflict):
        referrals.move_referral(database, clinician, referral_id=sent.id, state=ReferralState.SEEN)
    (kept,) = referrals.referrals_of(database, clinician, patient_id=patient.id)
    assert kept.sent_at <= kept.seen_at <= kept.closed_at
    trail = audit.search_audit(database, OPERATOR, record_number=patient.record_number)
    assert [e.action for e in trail if e.action.startswith("referral")] == [
        "referral.closed", "referral.seen", "referral.letter", "referral.send",
    ]  # fmt: skip
