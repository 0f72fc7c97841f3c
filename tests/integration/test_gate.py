"""The gate of the real server: who gets past it on which route, and what does not get past it at all."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from itsdangerous import Signer
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from core.records import clock, throttle, users
from core.records.actor import OPERATOR
from core.records.tables import SignInTries, UserSession
from core.records.terms import Role
from core.workspace import Workspace
from dashboard import gate, session, sign_in
from tests.charts import PASSWORD
from tests.server import ROOT, Server, clinic

ALL_ROUTES = """
import json
from dashboard import sign_in
from dashboard.server import build_app

found = build_app(sign_in.SetupCode())._build_starlette_app().routes
print(json.dumps([[type(one).__name__, one.path, sorted(getattr(one, "methods", None) or [])] for one in found]))
"""

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
OPEN = {gate.SIGN_IN, gate.FIRST_ADMINISTRATOR, gate.HEALTH, gate.SCREENING}
SPECIMENS = {
    "{id:int}": "1",
    "{file_id:path}": "a.png",
    "{session_id}": "s",
    "{file_id}": "f",
    "{path:path}": "index.js",
}
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
STREAM = "/_stcore/stream"

TRICKS = (
    "//", "//patients", "///", "/./patients", "/patients/", "/PATIENTS", "/%70atients", "/%2fpatients", "/patients%00",
    "/screening/../patients", "/screening/%2e%2e/patients", "/screening/..%2fpatients", "/screening%2f..%2fpatients",
    "/screening/%252e%252e/patients", "/screening/..;/patients", "/screening\\..\\patients", "/screening/..",
    "/screening/static/../../patients", "/screening/../_stcore/health", "/screening/%2e%2e/_stcore/host-config",
    "/SCREENING/../patients", "/Screening", "/screening.", "/screeningx", "/screening/;/../media/a.png",
    "/sign-in/", "/sign-in/patients", "/sign-in/../patients", "/Sign-In", "/sign-in%2f..%2fpatients",
    "/healthz/", "/healthz/../patients", "/healthz;/patients", "/first-administrator/../accounts",
    "/_stcore/../patients", "/static/../patients", "/app/static/../../app.py", "/static/%2e%2e/index.html",
)  # fmt: skip


@pytest.fixture
def dialect() -> str:
    """The gate asks no question that depends on the database."""
    return "sqlite"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Workspace]]:
    """The server, and the workspace that it serves."""
    workspace = clinic(tmp_path_factory.mktemp("gate") / "home")
    server = Server(workspace.settings.home)
    server.start()
    yield server, workspace
    server.kill()


@pytest.fixture(scope="module")
def routes() -> list[tuple[str, str, list[str]]]:
    """Every route of the real application: kind, path and methods."""
    command = [sys.executable, "-c", ALL_ROUTES]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = [(kind, path, methods) for kind, path, methods in json.loads(output.splitlines()[-1])]
    assert {"/_stcore/stream", "/media/{file_id:path}", "/_stcore/upload_file/{session_id}/{file_id}"} <= {
        path for _, path, _ in found
    }
    return found


@pytest.fixture
def server(running: tuple[Server, Workspace]) -> Server:
    return running[0]


@pytest.fixture
def clinic_workspace(running: tuple[Server, Workspace]) -> Workspace:
    return running[1]


@pytest.fixture
def anonymous(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        yield client


@contextmanager
def signed_in(server: Server, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        answer = client.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        yield client


def specimen(path: str) -> str:
    """An address that a route's path fits."""
    for placeholder, value in SPECIMENS.items():
        path = path.replace(placeholder, value)
    assert "{" not in path, f"no specimen for {path}"
    return path or "/"


def test_nobody_gets_past_the_gate_without_a_session(
    anonymous: httpx.Client, routes: list[tuple[str, str, list[str]]]
) -> None:
    asked = 0
    for kind, path, own_methods in routes:
        if path in OPEN or kind == "WebSocketRoute":
            continue
        address = specimen(path)
        for method in {*METHODS, *own_methods} - {"HEAD"}:
            answer = anonymous.request(method, address)
            assert (answer.status_code, answer.text) == (401, "Sign in first."), (method, address)
            asked += 1
        assert anonymous.head(address).status_code == 401
        as_page = anonymous.get(address, headers=PAGE)
        assert (as_page.status_code, urlsplit(as_page.headers["location"]).path) == (303, "/sign-in"), address
    assert asked > 100


@pytest.mark.parametrize("role", Role)
def test_every_role_gets_past_the_gate(server: Server, routes: list[tuple[str, str, list[str]]], role: Role) -> None:
    with signed_in(server, role) as client:
        for kind, path, methods in routes:
            if kind == "WebSocketRoute" or path in {*OPEN, "/sign-out"} or (methods and "GET" not in methods):
                continue
            answer = client.get(specimen(path))
            assert answer.status_code != 401, path
            assert not answer.headers.get("location", "").startswith("/sign-in"), path
        page = client.get("/patients", headers=PAGE)
        assert page.status_code == 200
        assert "streamlit" in page.text.lower()


def test_the_open_places_answer_anybody(anonymous: httpx.Client) -> None:
    health = anonymous.get("/healthz")
    assert health.status_code == 200
    assert health.json().keys() == {"status", "database", "model_version"}
    form = anonymous.get("/sign-in")
    assert form.status_code == 200
    assert 'type="password"' in form.text
    to_screening = anonymous.get("/screening")
    assert (to_screening.status_code, to_screening.headers["location"]) == (307, "/screening/")
    screening = anonymous.get("/screening/")
    assert screening.status_code == 200
    assert "gradio" in screening.text
    assert anonymous.post("/healthz").status_code == 405
    assert "set-cookie" not in screening.headers


@pytest.mark.parametrize("target", TRICKS)
def test_no_trick_of_paths_gets_past_the_gate(server: Server, target: str) -> None:
    for headers in ({}, PAGE):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        # Not through httpx, which would tidy the path up first.
        connection.putrequest("GET", target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status in {303, 400, 401, 404}, (answer.status, text[:200])
        assert answer.status != 303 or urlsplit(answer.headers["location"]).path == "/sign-in"
        assert len(text) < 200, text


def test_no_trick_of_addresses_gets_a_websocket_past_the_gate(server: Server) -> None:
    for path in (STREAM, f"/screening/..{STREAM}", f"/screening/%2e%2e{STREAM}", f"/{STREAM}", "/screening/stream"):
        with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{server.port}{path}"):
            pass
        assert refused.value.response.status_code == 403


def forged(kind: str, cookie: str, signing_key: str) -> str:
    token, _, signature = cookie.rpartition(".")
    return {
        "empty": "",
        "unsigned": token,
        "without its last sign": cookie[:-1],
        "with another last sign": cookie[:-1] + ("A" if cookie[-1] != "A" else "B"),
        "of another token": f"{'x' * len(token)}.{signature}",
        "signed with another key": Signer("another key", salt=session.COOKIE).sign(token).decode(),
        "signed for another use": Signer(signing_key, salt="another use").sign(token).decode(),
        "of a session that never was": Signer(signing_key, salt=session.COOKIE).sign("a" * 43).decode(),
        "not text": "\u00e9\u00ff.\u00e9",
        "very long": "a." * 4000,
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["empty", "unsigned", "without its last sign", "with another last sign", "of another token",
     "signed with another key", "signed for another use", "of a session that never was", "not text", "very long"],
)  # fmt: skip
def test_a_cookie_that_is_not_ours_opens_nothing(server: Server, clinic_workspace: Workspace, kind: str) -> None:
    with signed_in(server, "staff") as client:
        cookie = client.cookies[session.COOKIE]
    header = f"{session.COOKIE}=".encode() + forged(kind, cookie, clinic_workspace.signing_key).encode("latin-1")
    answer = httpx.get(f"{server.url}/session", headers={b"Cookie": header}, trust_env=False, timeout=60)
    assert answer.status_code == 401
    real = httpx.get(f"{server.url}/session", headers={"Cookie": f"{session.COOKIE}={cookie}"}, trust_env=False)
    assert real.status_code == 204


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("/patient?id=7", "/patient?id=7"),
        ("", "/"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("https://elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/elsewhere.example", "/%09/elsewhere.example"),
        ("/\r\nSet-Cookie: a=b", "/%0D%0ASet-Cookie:%20a=b"),
    ],
)
def test_after_signing_in_the_page_that_was_asked_for_comes_and_no_other_site(
    server: Server, wanted: str, given: str
) -> None:
    right = {"name": "staff", "password": PASSWORD}
    answer = httpx.post(f"{server.url}/sign-in", params={"next": wanted}, data=right, trust_env=False, timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (303, given)


def test_the_way_to_the_sign_in_page_remembers_the_page_that_was_asked_for(anonymous: httpx.Client) -> None:
    answer = anonymous.get("/patient?id=7", headers=PAGE)
    assert answer.headers["location"] == "/sign-in?next=%2Fpatient%3Fid%3D7"
    assert anonymous.get("/", headers=PAGE).headers["location"] == "/sign-in"


def changed(workspace: Workspace, **values: Any) -> None:
    with workspace.database.writing() as records:
        records.execute(update(UserSession).values(**values))


@pytest.mark.parametrize("why", ["signed out", "idle", "old", "disabled", "password reset"])
def test_a_session_that_is_over_opens_nothing(server: Server, clinic_workspace: Workspace, why: str) -> None:
    database, settings = clinic_workspace.database, clinic_workspace.settings
    moment, little = clock.now(), timedelta(seconds=5)
    with signed_in(server, "staff") as client:
        cookie = f"{session.COOKIE}={client.cookies[session.COOKIE]}"
        assert client.get("/session").status_code == 204
        with websocket(server, cookie) as stream:
            if why == "signed out":
                assert client.post("/sign-out").headers["location"] == "/sign-in?why=out"
            elif why == "idle":
                changed(clinic_workspace, last_seen_at=moment - settings.idle_limit - little)
            elif why == "old":
                changed(clinic_workspace, created_at=moment - settings.session_limit - little)
            elif why == "disabled":
                users.set_disabled(database, OPERATOR, name="staff", disabled=True)
                users.set_disabled(database, OPERATOR, name="staff", disabled=False)
            else:
                users.reset_password(database, OPERATOR, name="staff", password=PASSWORD)
            # The connection that was open is closed at the next message, and no other is opened.
            stream.send(b"anything")
            with pytest.raises(ConnectionClosed) as closed:
                for _ in range(100):
                    stream.recv(timeout=30)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == gate.NO_SESSION
        with pytest.raises(InvalidStatus), websocket(server, cookie):
            pass
    for method in ("GET", "POST"):
        answer = httpx.request(method, f"{server.url}/session", headers={"Cookie": cookie}, trust_env=False)
        assert answer.status_code == 401


def websocket(server: Server, cookie: str, **headers: str) -> Any:
    url = f"ws://127.0.0.1:{server.port}{STREAM}"
    return connect(url, additional_headers={"Cookie": cookie, **headers}, open_timeout=60, max_size=None)


def test_only_pages_of_ours_may_open_the_websocket(server: Server) -> None:
    with signed_in(server, "staff") as client:
        cookie = f"{session.COOKIE}={client.cookies[session.COOKIE]}"
    with websocket(server, cookie, Origin=server.url):
        pass
    with pytest.raises(InvalidStatus), websocket(server, cookie, Origin="https://elsewhere.example"):
        pass


def test_idle_time_is_counted_from_what_people_do_and_not_from_what_their_browser_asks(
    server: Server, clinic_workspace: Workspace
) -> None:
    almost = clinic_workspace.settings.idle_limit * 0.9
    with signed_in(server, "staff") as client:
        changed(clinic_workspace, last_seen_at=clock.now() - almost)
        assert client.get("/session").status_code == 204
        changed_at = last_seen(clinic_workspace)
        assert client.post("/session").status_code == 204
        assert changed_at < last_seen(clinic_workspace)


def last_seen(workspace: Workspace) -> Any:
    with workspace.database.reading() as records:
        return records.query(UserSession).order_by(UserSession.id.desc()).first().last_seen_at


def test_the_cookie_is_for_the_server_alone(server: Server) -> None:
    answer = httpx.post(f"{server.url}/sign-in", data={"name": "staff", "password": PASSWORD}, trust_env=False)
    value, *attributes = answer.headers["set-cookie"].split("; ")
    assert value.startswith(f"{session.COOKIE}=")
    assert {attribute.lower() for attribute in attributes} == {"httponly", "samesite=lax", "path=/", "max-age=43200"}


def test_pages_are_not_kept_by_the_browser(server: Server) -> None:
    with signed_in(server, "clinician") as client:
        for path in ("/", "/patients", "/_stcore/host-config", "/media/a.png", "/session", "/sign-in"):
            assert "no-store" in client.get(path).headers["cache-control"], path
        for path in ("/", "/sign-in", "/healthz", "/screening/", "/static/nothing.js"):
            headers = client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff", path
            assert headers["x-frame-options"] == "SAMEORIGIN", path
            assert headers["referrer-policy"] == "same-origin", path


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://127.0.0.1:1"])
def test_a_form_of_another_site_does_nothing(server: Server, origin: str) -> None:
    right = {"name": "staff", "password": PASSWORD}
    answer = httpx.post(f"{server.url}/sign-in", data=right, headers={"Origin": origin}, trust_env=False)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    with signed_in(server, "staff") as client:
        assert client.post("/sign-out", headers={"Origin": origin}).status_code == 403
        assert client.get("/session").status_code == 204
        assert client.post("/sign-out", headers={"Origin": server.url}).status_code == 303
        assert client.get("/session").status_code == 401


@pytest.mark.parametrize("name", ["staff", "nobody.of.that.name"])
def test_each_wrong_password_makes_the_next_try_wait_longer(
    server: Server, clinic_workspace: Workspace, name: str
) -> None:
    def attempt(password: str) -> str:
        answer = httpx.post(f"{server.url}/sign-in", data={"name": name, "password": password}, trust_env=False)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        return answer.text

    for _ in range(throttle.FREE_TRIES):
        assert "That name and password do not go together." in attempt("wrong")
    told = []
    for failed in range(throttle.FREE_TRIES, throttle.FREE_TRIES + 4):
        # The right password does not help before its time.
        text = attempt(PASSWORD)
        seconds = round(throttle.delay_after(failed).total_seconds())
        assert any(f"Too many tries. Wait {wait} seconds, then try again." in text for wait in (seconds, seconds - 1))
        told.append(seconds)
        with clinic_workspace.database.writing() as records:
            records.execute(update(SignInTries).values(last_at=clock.now() - timedelta(seconds=seconds)))
        assert "That name and password do not go together." in attempt("wrong")
    assert told == sorted(set(told))
    with clinic_workspace.database.writing() as records:
        records.query(SignInTries).delete()


def test_a_form_full_of_nonsense_is_an_answer_and_no_crash(anonymous: httpx.Client) -> None:
    kind = "application/x-www-form-urlencoded"
    for body, content_type in (
        (b"", kind), (b"\xff\xfe\x00", kind), (b"name=%00&password=%00", kind), (b"name=a&name=b", kind),
        (b"--x\r\n", "multipart/form-data; boundary=x"), (b"junk", "multipart/form-data"), (b"{}", "application/json"),
        (b"name=" + b"a" * 2_000_000 + b"&password=b", kind),
    ):  # fmt: skip
        answer = anonymous.post("/sign-in", content=body, headers={"Content-Type": content_type})
        assert answer.status_code in {400, 401, 413}, (body[:20], answer.status_code)
        assert "Traceback" not in answer.text


# What needs other settings, or a database without an administrator, is asked of the same gate and routes in here.


@pytest.fixture
def empty_clinic(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace without any account, which gate and routes in this process work on."""
    monkeypatch.setattr(session, "workspace", lambda: workspace)
    return workspace


@pytest.fixture
def setup_code() -> sign_in.SetupCode:
    return sign_in.SetupCode()


@pytest.fixture
def newcomer(empty_clinic: Workspace, setup_code: sign_in.SetupCode) -> TestClient:
    application = Starlette(routes=sign_in.routes(setup_code), middleware=[Middleware(gate.Gate)])
    return TestClient(application, follow_redirects=False)


def first(code: str | None, **changes: str) -> dict[str, str]:
    form = {"code": code or "", "full_name": "Ada Okafor", "name": "ada"}
    return {**form, "password": PASSWORD, "password_again": PASSWORD, **changes}


def test_the_first_administrator_needs_the_code_of_the_terminal(
    newcomer: TestClient, empty_clinic: Workspace, setup_code: sign_in.SetupCode
) -> None:
    assert newcomer.get("/sign-in").headers["location"] == "/first-administrator"
    right = setup_code.code
    for form, status, told in (
        (first("wrong"), 403, "That is not the code that the terminal shows."),
        (first(""), 403, "That is not the code that the terminal shows."),
        (first(right, password_again="another one"), 400, "The two passwords are not the same."),
        (first(right, password="short", password_again="short"), 400, "10"),
        (first(right, name="?"), 400, "A sign-in name has"),
        (first(right, full_name=" "), 400, "The full name is missing."),
    ):
        answer = newcomer.post("/first-administrator", data=form)
        assert answer.status_code == status, told
        assert told in answer.text
        assert PASSWORD not in answer.text
    evil = newcomer.post("/first-administrator", data=first(right), headers={"Origin": "https://elsewhere.example"})
    assert evil.status_code == 403
    assert users.list_users(empty_clinic.database, OPERATOR) == []

    made = newcomer.post("/first-administrator", data=first(right))
    assert (made.status_code, made.headers["location"]) == (303, "/")
    assert newcomer.get("/session").status_code == 204
    assert [user.role for user in users.list_users(empty_clinic.database, OPERATOR)] == [Role.ADMINISTRATOR]
    assert setup_code.code is None
    again = newcomer.post("/first-administrator", data=first(right, name="eve"))
    assert (again.status_code, again.headers["location"]) == (303, "/sign-in")
    assert [user.name for user in users.list_users(empty_clinic.database, OPERATOR)] == ["ada"]


def test_ten_wrong_codes_make_the_right_one_wrong_too(
    newcomer: TestClient, empty_clinic: Workspace, setup_code: sign_in.SetupCode
) -> None:
    right = setup_code.code
    for _ in range(sign_in.WRONG_CODES):
        assert newcomer.post("/first-administrator", data=first("0")).status_code == 403
    assert newcomer.post("/first-administrator", data=first(right)).status_code == 403
    assert users.list_users(empty_clinic.database, OPERATOR) == []


def test_over_https_the_cookie_is_secure(newcomer: TestClient, empty_clinic: Workspace) -> None:
    users.add_user(empty_clinic.database, OPERATOR, name="ada", role=Role.ADMINISTRATOR, password=PASSWORD)
    empty_clinic.settings.secure_cookie = True
    answer = newcomer.post("/sign-in", data={"name": "ada", "password": PASSWORD})
    assert "secure" in answer.headers["set-cookie"].lower().split("; ")
