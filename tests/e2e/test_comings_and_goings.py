"""How people leave without signing out, how they lose their way, and how the public comes in, in a real browser."""

import base64
import io
import re
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FilePayload, FrameLocator, Locator, Page, expect
from sqlalchemy import update

from core import taxonomy
from core.guidance import Outcome, guidance, words
from core.records import clock
from core.records.tables import UserSession
from core.workspace import Workspace
from dashboard.components.session_guard import CHECK_SECONDS
from tests.browser import Visitor
from tests.charts import PASSWORD, lesion_file
from tests.server import Server

Arrive = Callable[[], Visitor]


@pytest.fixture
def arrive(server: Server, visitor: Callable[[Server], Visitor]) -> Arrive:
    """Lets another person open a browser."""
    return lambda: visitor(server)


@pytest.mark.parametrize("then", ["clicks", "does nothing"])
def test_who_was_idle_for_too_long_has_to_sign_in_again(arrive: Arrive, workspace: Workspace, then: str) -> None:
    one = arrive()
    one.page.clock.install()
    one.sign_in("staff", PASSWORD)
    # The watch in the browser has begun when it says who is signed in.
    expect(one.page.get_by_text("staff · staff")).to_be_visible()
    let_time_pass(workspace, timedelta(minutes=workspace.settings.idle_minutes + 1))
    if then == "clicks":
        one.page.get_by_role("link", name="Register").click()
    else:
        one.page.clock.fast_forward(CHECK_SECONDS * 1000)
    has_to_sign_in(one.page)


def test_whoever_is_at_work_stays_signed_in(arrive: Arrive, workspace: Workspace) -> None:
    one = arrive()
    one.sign_in("staff", PASSWORD)
    almost = timedelta(minutes=workspace.settings.idle_minutes * 0.75)
    for name, heading in (("Register", "Register patient"), ("Patients", "Patients")):
        let_time_pass(workspace, almost)
        one.page.get_by_role("link", name=name).click()
        expect(one.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()


def test_signing_out_everywhere_ends_the_session_on_the_other_device(arrive: Arrive) -> None:
    here, there = arrive(), arrive()
    for one in (here, there):
        one.sign_in("clinician", PASSWORD)
    here.page.get_by_role("link", name="Your account").click()
    here.page.get_by_role("button", name="Sign out everywhere").click()
    expect(here.page.get_by_text("Your session is over.")).to_be_visible()
    there.page.get_by_role("link", name="Patients").click()
    has_to_sign_in(there.page)


def test_what_is_not_there_is_said_in_a_sentence(arrive: Arrive) -> None:
    one = arrive()
    one.sign_in("administrator", PASSWORD)
    for thing in ("patient", "visit", "lesion"):
        one.open(f"/{thing}?id=99")
        expect(one.page.get_by_role("alert")).to_contain_text(f"There is no such {thing}.")
        expect(one.page.get_by_text("Traceback")).to_have_count(0)


def test_the_map_of_clinics_needs_nothing_from_outside(arrive: Arrive) -> None:
    one = arrive()
    one.sign_in("staff", PASSWORD)
    one.page.get_by_role("link", name="Clinic map").click()
    # While a new map comes, the old one stands before it.
    in_map = one.page.locator("iframe[title*=folium]").last.content_frame
    expect(in_map.locator(".clinic-legend")).to_contain_text("Cancer centre")
    # What explains the code to its readers is not for the people at the page.
    expect(one.page.get_by_text("a browser is slow")).to_have_count(0)
    one.page.get_by_role("textbox", name="Distance from").fill("Chennai")
    one.page.get_by_role("textbox", name="Distance from").press("Enter")
    expect(one.page.get_by_text("1. ").first).to_be_visible()
    expect(one.page.get_by_text("km").first).to_be_visible()
    expect(in_map.locator(".clinic-number").first).to_be_visible()


def test_the_public_page_answers_in_its_frame(arrive: Arrive, workspace: Workspace) -> None:
    one = arrive()
    one.sign_in("staff", PASSWORD)
    one.page.get_by_role("link", name="Public screening").click()
    check_skin(one.page.frame_locator("iframe"))
    # Streamlit goes on beside it.
    one.page.get_by_role("link", name="Patients").click()
    expect(one.page.get_by_text("No patient is registered yet.")).to_be_visible()
    assert kept_by_screening(workspace) == []


def test_the_public_page_answers_alone_and_without_a_session(arrive: Arrive, workspace: Workspace) -> None:
    one = arrive()
    one.open("/sign-in")
    one.page.get_by_role("link", name="Public skin screening").click()
    check_skin(one.page)
    assert one.context.cookies() == []
    assert kept_by_screening(workspace) == []


def check_skin(page: Page | FrameLocator) -> None:
    """Consent, a photo, and the answer to it: what to do, the class, all confidences, the heat map."""
    expect(page.locator("input[type=file]")).to_have_count(0)
    page.get_by_role("button", name=words.CONSENT_BUTTON).click()
    photo = FilePayload(name="photo.png", mimeType="image/png", buffer=lesion_file(1, size=256))
    page.locator("input[type=file]").set_input_files(photo)
    expect(page.get_by_text(words.PHOTO_READ)).to_be_visible()
    page.get_by_role("button", name=words.SHOW_ANSWER).click()
    expect(page.get_by_role("heading", name=words.MATCH_TITLE)).to_be_visible()
    headlines = "|".join(guidance(outcome).headline for outcome in Outcome if outcome != Outcome.UNREADABLE)
    expect(page.get_by_role("heading", name=re.compile(headlines))).to_be_visible()
    expect(page.locator(".match-name")).to_have_text(re.compile(r"[A-Z][a-z ]+ \d+%"))
    expect(page.locator(".bars li")).to_have_count(len(taxonomy.TERMS))
    expect(page.get_by_role("img", name=words.REGION_TITLE)).to_be_visible()
    plain, heated = (pixels(page.get_by_role("img", name=name)) for name in (words.PHOTO_TITLE, words.REGION_TITLE))
    assert np.abs(plain - heated).mean() > 1


def pixels(shown: Locator) -> NDArray[np.float64]:
    """The levels of a picture that stands in the page itself, 0 to 255."""
    encoded = (shown.get_attribute("src") or "").partition("base64,")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))), dtype=float)


def kept_by_screening(workspace: Workspace) -> list[str]:
    """Files that an upload of the public left behind."""
    folder = workspace.settings.home / "screening"
    images = [path for path in workspace.settings.images.rglob("*") if path.is_file()]
    return [path.name for path in [*folder.rglob("*"), *images] if path.is_file()]


def let_time_pass(workspace: Workspace, span: timedelta) -> None:
    """Put the last use of every session back by `span`: the server sees them as idle for so long."""
    with workspace.database.writing() as session:
        session.execute(update(UserSession).values(last_seen_at=clock.now() - span))


def has_to_sign_in(page: Page) -> None:
    """And that before Streamlit, to which nobody answers any more, speaks of an error of the connection."""
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=CHECK_SECONDS * 1000 / 2)
    expect(page.get_by_text("Your session is over")).to_be_visible()
