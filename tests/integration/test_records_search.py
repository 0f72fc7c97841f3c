"""Search as one types, over a hundred thousand patients: the right ones, in under 100 ms."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from sqlalchemy import insert, text

from core.records import clock, patients
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.search_terms import fold, terms_of
from core.records.tables import Base, Patient
from core.records.terms import Sex
from tests.charts import DETAILS, Charts

MANY = 100_000
LIMIT_SECONDS = 0.1

FIRST = """Asha Björn Carmen Daniel Elif Farid Grace Hiroshi Ines Jakub Kavya Liam Meera Nils Olga Pedro Quinn Rosa
Sunita Thomas Uma Viktor Wanda Yusuf Zoë अनिता मीरा கண்ணன்""".split()  # noqa: SIM905 - names read better in a line
LAST = """Raman Lindqvist Ortega Okafor Yıldız Haddad Whitfield Tanaka Carvalho Nowak Menon Gallagher-Byrne Iyer Petrova
Álvarez Harper Bianchi Kumar Singh Smith Müller O'Connor शर्मा""".split()  # noqa: SIM905
SYLLABLES = ("ka", "lo", "mi", "ran", "det", "vos", "bel", "tur", "sha", "nim", "gor", "pel")


@dataclass(frozen=True)
class Person:
    record_number: str
    name: str
    birth_date: date
    phone: str


@cache
def crowd() -> list[Person]:
    """A clinic's patients: some names are shared by thousands, some by nobody."""
    rng = random.Random(3)
    return [
        Person(
            record_number=f"MRN-{number:06d}",
            name=f"{rng.choice(FIRST)} {''.join(rng.choices(SYLLABLES, k=2)).capitalize()} {rng.choice(LAST)}",
            birth_date=date(1930, 1, 1) + timedelta(days=rng.randrange(33_000)),
            phone=f"+91 {rng.randrange(6 * 10**9, 10**10)}",
        )
        for number in range(MANY)
    ]


@cache
def crowd_terms() -> list[set[str]]:
    """The terms of each."""
    return [
        terms_of(name=person.name, record_number=person.record_number, birth_date=person.birth_date, phone=person.phone)
        for person in crowd()
    ]


def fill(database: Database) -> None:
    """Add the crowd as `register_patient` would, many rows at a time."""
    people = []
    for number, person in enumerate(crowd(), start=1):
        people.append(
            {
                "id": number,
                "record_number": person.record_number,
                "name": person.name,
                "sort_name": fold(person.name),
                "birth_date": person.birth_date,
                "sex": Sex.UNKNOWN,
                "phone": person.phone,
                "created_at": clock.now(),
                "version": 1,
            }
        )
    terms = [(number, term) for number, found in enumerate(crowd_terms(), start=1) for term in found]
    indexes = Base.metadata.tables["patient_search_term"].indexes
    with database.writing() as session:
        session.execute(insert(Patient), people)
        connection = session.connection()
        for index in indexes:
            index.drop(connection)
        driver: Any = connection.connection.driver_connection
        if database.is_sqlite:
            driver.executemany("INSERT INTO patient_search_term (patient_id, term) VALUES (?, ?)", terms)
        else:
            session.execute(text("SELECT setval('patient_id_seq', :last)"), {"last": MANY})
            with driver.cursor().copy("COPY patient_search_term (patient_id, term) FROM STDIN") as copy:
                for row in terms:
                    copy.write_row(row)
        for index in indexes:
            index.create(connection)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crowded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database of a hundred thousand patients."""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("crowd") / "dermtrail.db"
        shutil.copy(request.getfixturevalue("migrated_file"), file)
        url = f"sqlite:///{file}"
    else:
        url = request.getfixturevalue("migrated_cluster").create("crowd", template="template")
    database = Database(url)
    fill(database)
    yield database
    database.dispose()


def typed(whole: str) -> list[str]:
    """What the field holds after each key."""
    return [whole[:length] for length in range(1, len(whole) + 1)]


QUERIES = [
    *typed("meera iyer"),
    *typed("MRN-099"),
    *typed("23.04.19"),
    *typed("+91 98400 1"),
    *typed("1961"),
    *typed("o'connor"),
    *typed("मीरा श"),
    *("smith rosa", "a 1", "9 9", "m 1 9", "k s", "singh 1961", "gallagher 19", "9 8 7 6", "s m i t h"),
    *("zzz", "smith smith", "1961 1962"),
]


def test_every_key_is_answered_within_the_limit(crowded: Database) -> None:
    took = {}
    for query in QUERIES:
        times = []
        for _ in range(3):
            start = perf_counter()
            patients.search_patients(crowded, OPERATOR, query=query)
            times.append(perf_counter() - start)
        took[query] = median(times)
    print(f"median {median(took.values()) * 1000:.1f} ms, slowest {max(took.values()) * 1000:.1f} ms of {len(took)}")
    assert median(took.values()) < LIMIT_SECONDS
    # PostgreSQL plans anew for each query, and some of its plans for several common words take longer.
    limit = LIMIT_SECONDS if crowded.is_sqlite else 4 * LIMIT_SECONDS
    assert {query: round(seconds, 3) for query, seconds in took.items() if seconds >= limit} == {}


@pytest.mark.parametrize("query", ["meera", "iyer mee", "smith", "1961", "मीरा", "byrne 1945", "s 1961-04"])
def test_the_first_by_name_are_shown_of_all_who_fit(crowded: Database, query: str) -> None:
    """Checked against every one of the patients, word by word."""
    assert [patient.id for patient in patients.search_patients(crowded, OPERATOR, query=query, limit=30)] == [
        number for _, number in sorted(fitting(query))[:30]
    ]


@pytest.mark.parametrize("query", ["m", "9", "m 1 9", "k s"])
def test_of_too_many_some_are_shown_who_fit(crowded: Database, query: str) -> None:
    found = patients.search_patients(crowded, OPERATOR, query=query, limit=30)
    assert len({patient.id for patient in found}) == 30
    assert {(patient.sort_name, patient.id) for patient in found} <= set(fitting(query))
    assert found == sorted(found, key=lambda patient: patient.sort_name)


def fitting(query: str) -> list[tuple[str, int]]:
    """Name and number of everybody in the crowd whom each word fits."""
    words = fold(query).replace("-", "").split()
    return [
        (fold(person.name), number)
        for number, (person, terms) in enumerate(zip(crowd(), crowd_terms(), strict=True), start=1)
        if all(any(term.startswith(word) for term in terms) for word in words)
    ]


@pytest.mark.parametrize("position", [0, 4_711, 99_999])
def test_a_patient_is_found_by_everything(crowded: Database, position: int) -> None:
    person = crowd()[position]
    local = person.phone.removeprefix("+91 ")
    for query in (
        person.record_number,
        person.record_number.lower().replace("-", ""),
        local,
        f"0{local[:5]} {local[5:]}",
        f"{fold(person.name)} {person.birth_date:%d.%m.%Y}",
        f"{person.birth_date.isoformat()} {person.name.split()[0].upper()} {person.name.split()[1]}",
    ):
        found = patients.search_patients(crowded, OPERATOR, query=query)
        assert position + 1 in [patient.id for patient in found], query


def test_registering_among_many_is_quick(crowded: Database) -> None:
    details = replace(DETAILS, record_number="LATE-1", name="Quentin Latecomer", phone="+91 98400 12345")
    start = perf_counter()
    patient = patients.register_patient(crowded, OPERATOR, details=details)
    assert perf_counter() - start < 0.5
    assert [found.id for found in patients.search_patients(crowded, OPERATOR, query="latecomer")] == [patient.id]


def test_names_as_people_write_them(database: Database, staff: Actor, charts: Charts) -> None:
    names = ["Björn Müller", "Elif Yıldız", "अनिता शर्मा", "மீனா கண்ணன்", "Aoife O'Connor", "Liam Gallagher-Byrne"]
    for name in names:
        charts.patient(name=name)
    for query, name in {
        "MULLER": "Björn Müller",
        "björn mü": "Björn Müller",
        "yildiz": "Elif Yıldız",
        "शर्मा अ": "अनिता शर्मा",
        "மீனா": "மீனா கண்ணன்",
        "oconnor": "Aoife O'Connor",
        "byrne": "Liam Gallagher-Byrne",
    }.items():
        assert [patient.name for patient in patients.search_patients(database, staff, query=query)] == [name]


@pytest.mark.parametrize(
    "query", ["", " ", "'", '"; DROP TABLE patient; --', "%", "_", "\x00", "\x00meera", "x" * 5000]
)
def test_odd_queries_find_nobody_and_break_nothing(
    database: Database, staff: Actor, charts: Charts, query: str
) -> None:
    charts.patient(name="Asha Raman")
    assert patients.search_patients(database, staff, query=query) == []
    assert len(patients.search_patients(database, staff, query="asha")) == 1


def test_letters_that_fold_to_many_are_no_trouble(database: Database, charts: Charts, staff: Actor) -> None:
    """One character of Arabic that stands for eighteen: the name fits its column, folded it would not."""
    charts.patient(name="\ufdfa" * 200)
    assert len(patients.search_patients(database, staff, query="\ufdfa")) == 1
