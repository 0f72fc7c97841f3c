"""Photograph every page of the demonstration clinic: python -m tests.screenshots [FOLDER].

Each page at 1280 and 820 pixels, light and dark, from top to bottom, as WebP; without a folder into docs/screenshots.
"""

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from core.demo.clinic import add_accounts, add_patients
from core.records import body_map, patients, visits
from core.records.actor import OPERATOR
from core.records.terms import LesionState, Role
from core.settings import Settings
from core.workspace import Workspace
from tests.browser import Visitor, chromium
from tests.hands import settled
from tests.server import ROOT, Server

WIDTHS = (1280, 820)
THEMES = ("light", "dark")
TALLEST = 3600
"""Pixels; what lies further down is left out."""


def photograph_all(folder: Path) -> None:
    """Make the clinic, serve it, and photograph it."""
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) / "home"
        workspace = Workspace(Settings(_env_file=None, home=home, database_url=f"sqlite:///{home / 'dermtrail.db'}"))
        workspace.prepare()
        accounts = {account.role: (account.name, account.password) for account in add_accounts(workspace)}
        for _ in add_patients(workspace):
            pass
        server = Server(home, clinic_name="Skin Clinic")
        server.start()
        try:
            with chromium() as browser:
                for width in WIDTHS:
                    for theme in THEMES:
                        _photograph(browser, server, workspace, accounts, width, theme, folder)
        finally:
            server.kill()


def _photograph(
    browser: Browser,
    server: Server,
    workspace: Workspace,
    accounts: dict[Role, tuple[str, str]],
    width: int,
    theme: str,
    folder: Path,
) -> None:
    def keep(page: Page, name: str) -> None:
        _drawn(page)
        page.evaluate("Promise.allSettled([...document.images].map(image => image.decode()))")
        with Image.open(io.BytesIO(_whole(page, width))) as image:
            image.convert("RGB").save(folder / f"{name}-{width}-{theme}.webp", quality=75, method=6)

    def arrive() -> Visitor:
        visitor = Visitor(browser, server.url, color_scheme=theme)
        visitor.page.set_viewport_size({"width": width, "height": 900})
        return visitor

    guest = arrive()
    guest.open("/sign-in")
    keep(guest.page, "sign-in")
    guest.open(f"/screening/?lang=en&__theme={theme}")
    guest.page.get_by_role("button", name="I understand, continue").click()
    expect(guest.page.get_by_role("button", name="Show the answer")).to_be_visible()
    keep(guest.page, "screening")
    guest.context.close()

    for role, shots in ((Role.ADMINISTRATOR, _administrators(workspace)), (Role.CLINICIAN, _clinicians(workspace))):
        person = arrive()
        person.sign_in(*accounts[role])
        for name, (address, then) in shots.items():
            person.open(address)
            expect(person.page.get_by_role("heading", level=1)).to_have_count(1)
            _drawn(person.page)
            then(person.page)
            keep(person.page, name)
        person.context.close()


Shots = dict[str, tuple[str, Callable[[Page], None]]]
"""By the name of the picture: the address, and what is done there first."""


def _administrators(workspace: Workspace) -> Shots:
    first = patients.latest_patients(workspace.database, OPERATOR, limit=1)[0]
    return {
        "accounts": ("/accounts", _nothing),
        "audit-trail": ("/audit-trail", _nothing),
        "public-screening": ("/public-screening", _wait_for_frame),
        "patient-export": (f"/patient?id={first.id}", _tab("Export")),
    }


def _clinicians(workspace: Workspace) -> Shots:
    database = workspace.database
    # A lesion that grew, with as many images as any.
    grown = [
        (len(visits.visits_of(database, OPERATOR, patient_id=one.id)), mapped.lesion.id, one, mapped.lesion)
        for one in patients.latest_patients(database, OPERATOR, limit=50)
        for mapped in body_map.map_of(database, OPERATOR, patient_id=one.id)
        if mapped.state is LesionState.SUSPICIOUS
    ]
    *_, chosen, lesion = max(grown)
    visit = visits.visits_of(database, OPERATOR, patient_id=chosen.id)[0]
    patient = f"/patient?id={chosen.id}"
    return {
        "home": ("/", _nothing),
        "patients": ("/patients", _nothing),
        "register": ("/register", _nothing),
        "patient": (patient, _nothing),
        "patient-visits": (patient, _tab("Visits")),
        "patient-referrals": (patient, _tab("Referrals")),
        "patient-details": (patient, _tab("Details")),
        "visit": (f"/visit?id={visit.id}", _nothing),
        "lesion": (f"/lesion?id={lesion.id}", _nothing),
        "lesion-measured": (f"/lesion?id={lesion.id}", _measure),
        "compare": (f"/compare?id={lesion.id}", _wait_for_slider),
        "recalls": ("/recalls", _nothing),
        "agreement": ("/agreement", _nothing),
        "clinics": ("/clinics", _wait_for_map),
        "model": ("/model", _nothing),
        "your-account": ("/your-account", _nothing),
    }


def _nothing(_: Page) -> None:
    """The page as it opens."""


def _tab(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("tab", name=name).click()


def _measure(page: Page) -> None:
    page.get_by_text("Outline and measure", exact=True).click()
    others = page.get_by_role("button", name="Outline the other")
    chart = page.get_by_role("combobox", name="Chart of")
    expect(others.or_(chart)).to_be_visible()
    if others.count():
        others.click()
    expect(chart).to_be_visible()


def _wait_for_slider(page: Page) -> None:
    expect(page.get_by_role("radio").first).to_be_visible()


def _wait_for_map(page: Page) -> None:
    _drawn(page)
    in_map = page.locator("iframe[title*=folium]").last.content_frame
    expect(in_map.locator("path.leaflet-interactive").first).to_be_visible()


def _wait_for_frame(page: Page) -> None:
    expect(page.locator("iframe").last.content_frame.get_by_role("button", name="I understand")).to_be_visible()


def _drawn(page: Page) -> None:
    """Wait until a page of the dashboard is whole: its parts are fetched when they are first needed."""
    if page.get_by_test_id("stApp").count():
        settled(page)
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def _whole(page: Page, width: int) -> bytes:
    """The page from top to bottom: what scrolls within it is given room first."""
    main = page.get_by_test_id("stMain")
    if main.count():
        height = main.evaluate("element => { element.scrollTop = 0; return element.scrollHeight; }") + 80
        page.set_viewport_size({"width": width, "height": min(max(900, height), TALLEST)})
        _drawn(page)
    taken = page.screenshot(full_page=True)
    page.set_viewport_size({"width": width, "height": 900})
    return taken


if __name__ == "__main__":
    photograph_all(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots")
