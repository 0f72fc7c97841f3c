"""The letters as they are printed, in every language."""

import html
import re
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.exchange import letter_words
from core.guidance.words import NEEDS_CHECK
from core.languages import ENGLISH, LANGUAGES, Language
from core.records import clinics, clock, judgements, referrals
from core.records.actor import Actor
from core.records.terms import Role
from core.workspace import Workspace
from dashboard import letters
from tests.charts import Charts
from tests.integration.test_judgement_pages import overdue
from tests.integration.test_pages import Sit, dialect, people, served, sit

__all__ = ["Sit", "dialect", "people", "served", "sit"]

NAME = "Meera <b>Iyer</b>"
REASON = "<i>A mole</i> that grows."


@pytest.fixture
def addresses(
    people: dict[Role, Actor], charts: Charts, served: Workspace, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Of three letters: about a recall that is overdue, about one that is due, and with an urgent referral."""
    monkeypatch.setattr(letters.session, "holder", lambda *_args, **_more: people[Role.STAFF])
    clinician, database = people[Role.CLINICIAN], charts.database
    late = overdue(charts, clinician, NAME, days=3)
    lesion = charts.lesion(charts.patient(name=NAME, phone="+44 20 7946 0958"))
    due = judgements.set_recall(database, clinician, lesion_id=lesion.id, due_on=clock.today() + timedelta(days=5))
    sent = referrals.refer(
        database,
        clinician,
        patient_id=lesion.patient_id,
        clinic_id=clinics.list_clinics(database)[0].id,
        lesion_id=lesion.id,
        reason=REASON,
        urgent=True,
    )
    return [letters.recall_address(late), letters.recall_address(due.id), letters.referral_address(sent.id)]


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=letters.routes()))


def printed(page: str) -> str:
    """What goes on paper: the page without what is above it on the screen alone."""
    return re.sub(r"<aside.*?</aside>", "", page, flags=re.DOTALL)


def pieces(sentence: str) -> list[str]:
    """What stands between the places where a letter puts something in."""
    return [piece.strip() for piece in re.split(r"\{\w+\}", sentence) if piece.strip()]


SENTENCES = [value for name, value in vars(letter_words).items() if name.isupper() and isinstance(value, str)]


@pytest.mark.parametrize("language", LANGUAGES, ids=[language.code for language in LANGUAGES])
def test_every_sentence_is_in_the_language_of_the_letter(
    client: TestClient, addresses: list[str], language: Language
) -> None:
    pages = [client.get(address, params={"lang": language.code}).text for address in addresses]
    for page in pages:
        assert f'<html lang="{language.code}" dir="{language.direction}">' in page
        assert html.escape(NAME) in page and "<b>" not in page and "<script" not in page
        assert (NEEDS_CHECK in page) == (language != ENGLISH)
        assert language.translate(NEEDS_CHECK) not in printed(page)
    together = html.unescape(" ".join(map(printed, pages)))
    for sentence in (*SENTENCES, "female", "Trunk"):
        for piece in pieces(language.translate(sentence)):
            assert piece in together, sentence
        if language != ENGLISH and len(sentence) > 8:
            assert pieces(sentence)[0] not in together
    assert html.escape(REASON) in pages[2]


def test_a_letter_offers_every_language_and_is_english_where_nobody_chose(
    client: TestClient, addresses: list[str]
) -> None:
    for address in addresses:
        page = client.get(address).text
        assert page == client.get(address, params={"lang": "xx"}).text
        assert '<html lang="en" dir="ltr">' in page
        for language in LANGUAGES:
            assert f'href="?lang={language.code}"' in page and language.name in page
        assert "?lang=" not in printed(page)
        assert "aside { display: none; }" in page.partition("@media print")[2]


def test_days_are_written_as_the_language_writes_them(client: TestClient, addresses: list[str]) -> None:
    page = client.get(addresses[2], params={"lang": "es"}).text
    assert "23 de abril de 1961" in page
    assert "23 April 1961" in client.get(addresses[2]).text


def test_there_is_no_letter_of_what_is_not_there(client: TestClient, addresses: list[str]) -> None:
    for missing in ("4711", "9" * 30):
        assert client.get(f"/letters/referral/{missing}").status_code == 404
