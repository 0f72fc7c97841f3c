"""The directory of clinics: look at it, edit it, import into it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from core.clinics.directory import ClinicEntry
from core.clinics.entries import clean, web_site
from core.clinics.matching import Matcher
from core.clinics.nearest import check_position
from core.clinics.places import country_name
from core.errors import Invalid, LikelyDuplicate, NotFound
from core.records import audit, clock
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.tables import Clinic

_FIELDS = tuple(field.name for field in fields(ClinicEntry))
_GAPS = ("address", "phone", "website", "opening_hours")
_TURN = "changing the directory of clinics"


@dataclass
class ImportCount:
    """What became of the entries of an import: each is counted once.

    `kept` are those whose clinic was edited or retired in the dashboard and stayed as it was, `merged` those that name
    a clinic which another entry of the same import had named already.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    merged: int = 0


def list_clinics(database: Database) -> list[Clinic]:
    """Every clinic that is not retired, by name. Anybody may see the directory, so nobody needs to act."""
    with database.reading() as session:
        return list(session.scalars(select(Clinic).where(Clinic.retired_at.is_(None)).order_by(Clinic.name)))


def fill_empty_directory(database: Database, entries: Sequence[ClinicEntry]) -> None:
    """Put `entries` into a directory that has none, as on the first start."""
    anything = select(exists().where(Clinic.id.is_not(None)))
    with database.reading() as session:
        if session.scalar(anything):
            return
    with database.writing() as session:
        database.take_turns(session, _TURN)
        if not session.scalar(anything):
            session.add_all(Clinic(**asdict(entry), updated_at=clock.now()) for entry in entries)


@requires(Permission.ADMINISTER)
def import_clinics(database: Database, actor: Actor, *, entries: Sequence[ClinicEntry]) -> ImportCount:
    """Take `entries` into the directory, all or none.

    An entry with the source's key of a clinic updates it; one that is the same clinic by name and place fills in what
    the directory did not know of it, and gives it an exact place where only the town's was known; any other is added.
    What was edited or retired in the dashboard stays as it is. Importing the same entries again changes nothing.
    """
    with database.writing() as session:
        database.take_turns(session, _TURN)
        count = _Import(session, entries).run()
        audit.record(session, actor, "clinics.import")
    return count


@requires(Permission.ADMINISTER)
def add_clinic(database: Database, actor: Actor, *, entry: ClinicEntry, is_another: bool = False) -> Clinic:
    """Add a clinic. Raises Invalid, and LikelyDuplicate unless `is_another` says that it is not the one there."""
    entry = _checked(entry)
    now = clock.now()
    with database.writing() as session:
        database.take_turns(session, _TURN)
        same = Matcher(list(session.scalars(select(Clinic)))).same(entry)
        if same and not is_another:
            raise LikelyDuplicate(
                f"{same[0].name} in {same[0].city} stands in the directory already"
                f"{', retired' if same[0].retired_at else ''}.",
                candidates=[clinic.id for clinic in same],
            )
        clinic = Clinic(**asdict(entry) | {"source_key": None}, updated_at=now, edited_at=now)
        session.add(clinic)
        session.flush()
        audit.record(session, actor, "clinic.add", subject_type="clinic", subject_id=clinic.id)
    return clinic


@requires(Permission.ADMINISTER)
def edit_clinic(database: Database, actor: Actor, *, clinic_id: int, entry: ClinicEntry) -> Clinic:
    """Put what `entry` says in the place of what the directory said; no import changes it afterwards.

    The clinic keeps its source's key. Raises Invalid, NotFound.
    """
    entry = _checked(entry)
    with database.writing() as session:
        clinic = _clinic(session, clinic_id)
        _copy(entry, clinic, keep=("source_key",))
        clinic.updated_at = clinic.edited_at = clock.now()
        audit.record(session, actor, "clinic.edit", subject_type="clinic", subject_id=clinic.id)
    return clinic


@requires(Permission.ADMINISTER)
def set_retired(database: Database, actor: Actor, *, clinic_id: int, retired: bool) -> Clinic:
    """Take a clinic out of the directory, or back into it; its referrals stay. Raises NotFound."""
    with database.writing() as session:
        clinic = _clinic(session, clinic_id)
        if retired != (clinic.retired_at is not None):
            clinic.updated_at = clock.now()
            clinic.retired_at = clinic.updated_at if retired else None
            action = "clinic.retire" if retired else "clinic.restore"
            audit.record(session, actor, action, subject_type="clinic", subject_id=clinic.id)
    return clinic


@requires(Permission.ADMINISTER)
def retired_clinics(database: Database, actor: Actor) -> list[Clinic]:
    """The clinics that were taken out of the directory, by name."""
    with database.reading() as session:
        return list(session.scalars(select(Clinic).where(Clinic.retired_at.is_not(None)).order_by(Clinic.name)))


def entry_of(clinic: Clinic) -> ClinicEntry:
    """What the directory says of a clinic, as an entry."""
    return ClinicEntry(**{name: getattr(clinic, name) for name in _FIELDS})


class _Import:
    """One import within one transaction: every clinic is touched by at most one entry."""

    def __init__(self, session: Session, entries: Sequence[ClinicEntry]) -> None:
        self._session = session
        self._entries = entries
        self._now = clock.now()
        self._touched: set[int] = set()
        self.count = ImportCount()

    def run(self) -> ImportCount:
        clinics = list(self._session.scalars(select(Clinic)))
        by_key = {clinic.source_key: clinic for clinic in clinics if clinic.source_key}
        matcher = Matcher(clinics)
        new: list[ClinicEntry] = []
        # Those that are known by their keys come first, so that no other entry takes their clinics from them.
        for entry in sorted(self._entries, key=lambda entry: entry.source_key not in by_key):
            known = by_key.get(entry.source_key) if entry.source_key else None
            same = [known] if known else matcher.same(entry)
            if same:
                self._meet(entry, same[0], is_source=known is not None)
            else:
                new.append(entry)
        self._session.add_all(self._distinct(new))
        return self.count

    def _meet(self, entry: ClinicEntry, clinic: Clinic, *, is_source: bool) -> None:
        if clinic.id in self._touched:
            self.count.merged += 1
            return
        self._touched.add(clinic.id)
        if clinic.edited_at or clinic.retired_at:
            self.count.kept += 1
            return
        said = entry if is_source else _completed(entry_of(clinic), entry)
        if said == entry_of(clinic):
            self.count.unchanged += 1
        else:
            _copy(said, clinic)
            clinic.updated_at = self._now
            self.count.updated += 1

    def _distinct(self, entries: Sequence[ClinicEntry]) -> list[Clinic]:
        """Clinics for the new entries, one for those that are the same."""
        matcher = Matcher(entries)
        keys: set[str] = set()
        done: set[int] = set()
        clinics: list[Clinic] = []
        for entry in entries:
            if id(entry) in done or entry.source_key in keys:
                self.count.merged += 1
                continue
            keys |= {entry.source_key} if entry.source_key else set()
            done |= {id(other) for other in matcher.same(entry)}
            clinics.append(Clinic(**asdict(entry), updated_at=self._now))
        self.count.added += len(clinics)
        return clinics


def _completed(known: ClinicEntry, entry: ClinicEntry) -> ClinicEntry:
    """`known` with what only `entry` says: a gap filled, an exact place for the town's."""
    gaps: dict[str, Any] = {name: getattr(entry, name) for name in _GAPS if getattr(known, name) is None}
    if known.position_approximate and not entry.position_approximate:
        gaps |= {"latitude": entry.latitude, "longitude": entry.longitude, "position_approximate": False}
    return replace(known, **gaps)


def _copy(entry: ClinicEntry, clinic: Clinic, *, keep: Sequence[str] = ()) -> None:
    for name in _FIELDS:
        if name not in keep:
            setattr(clinic, name, getattr(entry, name))


def _clinic(session: Session, clinic_id: int) -> Clinic:
    clinic = session.get(Clinic, clinic_id, with_for_update=True)
    if clinic is None:
        raise NotFound("There is no such clinic.")
    return clinic


def _checked(entry: ClinicEntry) -> ClinicEntry:
    """`entry` with its texts made fit to be kept. Raises Invalid."""
    texts: dict[str, Any] = {
        name: clean(getattr(entry, name), field=name)
        for name in ("name", "city", "address", "phone", "website", "opening_hours", "source")
    }
    for name in ("name", "city"):
        if not texts[name]:
            raise Invalid(f"The {name} is missing.", field=name)
    if country_name(entry.country) == entry.country:
        raise Invalid("Choose the country.", field="country")
    if texts["website"] and web_site(texts["website"]) is None:
        raise Invalid("That is no address of a web site.", field="website")
    check_position(latitude=entry.latitude, longitude=entry.longitude)
    if not -180 <= entry.longitude <= 180:
        raise Invalid("A longitude lies between -180 and 180 degrees.", field="longitude")
    return replace(entry, **texts | {"website": web_site(texts["website"])})
