"""What every page needs: the person who looks, the workspace, and how errors and news are told."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import streamlit as st

from core.errors import DermTrailError, NotAllowed, NotFound
from core.records.actor import Actor
from core.records.database import Database
from dashboard import gate, session
from dashboard.session import workspace

LOCAL = "127.0.0.1"
"""Streamlit names no address for a browser on the server itself."""

_NEWS = "news"
_MARKDOWN = re.compile(r"([\\`*_~$<>\[\]:#])")


def person() -> Actor:
    """Who looks at the page; where the session is over, the page ends with the way to the sign-in page."""
    actor = session.holder(dict(st.context.cookies), address=st.context.ip_address or LOCAL)
    if actor is None:
        st.warning("Your session is over.", icon=":material/lock:")
        st.html(f'<a href="{gate.SIGN_IN}?why=ended" target="_self">Sign in</a>')
        st.stop()
    return actor


def database() -> Database:
    """The records."""
    return workspace().database


@contextmanager
def errors_told() -> Iterator[None]:
    """Show an error that DermTrail raises on purpose where it happened; the rest of the page goes on."""
    try:
        yield
    except DermTrailError as error:
        st.error(str(error), icon=":material/error:")


@contextmanager
def page_of_one_thing() -> Iterator[None]:
    """End the page with a clear sentence where the thing it is about is not there, or not for this person."""
    try:
        yield
    except (NotFound, NotAllowed) as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def tell_next(message: str) -> None:
    """Show `message` on whatever page comes next, as after a form that was saved."""
    st.session_state[_NEWS] = message


def tell_news() -> None:
    """Show what the last page left to be told."""
    if message := st.session_state.pop(_NEWS, None):
        st.toast(message, icon=":material/check_circle:")


def turn_key(name: str) -> str:
    """A key for a form that is new after each `next_turn`.

    A form that was sent with success is then empty, and a late second click on its button finds nothing to press.
    """
    return f"{name}:{st.session_state.get(_turn(name), 0)}"


def next_turn(name: str) -> None:
    """Retire the form that has the key `turn_key(name)`."""
    st.session_state[_turn(name)] = st.session_state.get(_turn(name), 0) + 1


def _turn(name: str) -> str:
    return f"turn:{name}"


def plain(text: str) -> str:
    """`text` for a label, where what people typed would otherwise be read as Markdown."""
    return _MARKDOWN.sub(r"\\\1", text)


def day(moment: datetime) -> str:
    """A moment's date where the clinic is, such as 3 Nov 2026."""
    return f"{moment.astimezone():%-d %b %Y}"


def day_and_time(moment: datetime) -> str:
    """A moment where the clinic is, such as 3 Nov 2026, 14:05."""
    return f"{moment.astimezone():%-d %b %Y, %H:%M}"
