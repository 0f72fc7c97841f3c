"""The session cookie, and who holds it: shared by the gate, the sign-in routes and the pages."""

from functools import cache

from itsdangerous import BadSignature, Signer

from core.records import users
from core.records.actor import Actor
from core.settings import Settings
from core.workspace import Workspace

COOKIE = "dermtrail_session"


@cache
def workspace() -> Workspace:
    """The one workspace of this process."""
    return Workspace(Settings())


def sign(token: str) -> str:
    """The cookie's value for a session token."""
    return _signer().sign(token).decode()


def token_in(cookies: dict[str, str]) -> str | None:
    """The session token in a request's cookies; None where there is none or its signature is not ours."""
    try:
        return _signer().unsign(cookies.get(COOKIE, "")).decode()
    except BadSignature:
        return None


def holder(cookies: dict[str, str], *, address: str, touch: bool = True) -> Actor | None:
    """Who is signed in with these cookies; None where nobody is. `touch` counts as use (core.records.users.resume)."""
    token = token_in(cookies)
    if token is None:
        return None
    here = workspace()
    return users.resume(here.database, token=token, address=address, settings=here.settings, touch=touch)


def _signer() -> Signer:
    return Signer(workspace().signing_key, salt=COOKIE)
