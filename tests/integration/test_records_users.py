"""Accounts: who gets in, for how long, how tries are slowed down, and that somebody can always administer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from core.errors import Conflict, DermTrailError, Invalid, NotFound, SignInFailed
from core.records import clock, users
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.terms import Role
from core.records.throttle import FREE_TRIES, LONGEST_DELAY
from core.settings import Settings
from tests.charts import PASSWORD
from tests.everything import all_rows

WRONG = "That name and password do not go together."
HERE = "203.0.113.5"


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.moment = clock.now()

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **span: float) -> None:
        self.moment += timedelta(**span)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    turned = Clock()
    monkeypatch.setattr(clock, "now", turned)
    return turned


@pytest.fixture
def settings() -> Settings:
    return Settings(_env_file=None, idle_minutes=15, session_hours=12)


def sign_in(database: Database, name: str = "staff", password: str = PASSWORD) -> str:
    return users.sign_in(database, name=name, password=password, address=HERE)


def refusal(database: Database, name: str, password: str) -> SignInFailed:
    with pytest.raises(SignInFailed) as refused:
        sign_in(database, name, password)
    return refused.value


def resumed(database: Database, settings: Settings, token: str, **more: Any) -> Actor | None:
    return users.resume(database, token=token, address=HERE, settings=settings, **more)


def test_signing_in_and_out(database: Database, staff: Actor, settings: Settings) -> None:
    token = sign_in(database)
    actor = resumed(database, settings, token)
    assert actor == replace(staff, address=HERE)
    users.sign_out(database, staff, token=token)
    assert resumed(database, settings, token) is None


@pytest.mark.parametrize("name", ["staff", "STAFF", "  Staff "])
def test_a_name_is_the_same_however_it_is_typed(database: Database, staff: Actor, name: str) -> None:
    assert sign_in(database, name)


def test_the_token_is_kept_nowhere(database: Database, staff: Actor) -> None:
    tokens = [sign_in(database) for _ in range(3)]
    assert len(set(tokens)) == 3 and min(map(len, tokens)) >= 43
    kept = repr(all_rows(database))
    assert not any(token in kept for token in tokens)
    assert PASSWORD not in kept


@pytest.mark.parametrize("token", ["", "x", "None", "a" * 10_000, "🙂"])
def test_a_made_up_token_is_nobody(database: Database, staff: Actor, settings: Settings, token: str) -> None:
    sign_in(database)
    assert resumed(database, settings, token) is None


def test_an_unknown_name_is_told_the_same_as_a_wrong_password(database: Database, staff: Actor) -> None:
    """Also after many tries, also when the right password comes too early, and for a disabled account."""
    users.add_user(database, OPERATOR, name="gone", role=Role.STAFF, password=PASSWORD)
    users.set_disabled(database, OPERATOR, name="gone", disabled=True)
    for tries in range(FREE_TRIES + 2):
        told = [
            (str(refused), refused.retry_after > 0)
            for refused in (
                refusal(database, "staff", "a wrong password"),
                refusal(database, "nobody", "a wrong password"),
                refusal(database, "gone", PASSWORD),
            )
        ]
        assert told[0] == told[1] == told[2]
        assert (told[0] == (WRONG, False)) == (tries < FREE_TRIES)


@pytest.mark.parametrize("name", ["staff", "nobody", "my secret password"])
def test_delays_grow_with_every_wrong_try(database: Database, staff: Actor, time: Clock, name: str) -> None:
    waits = []
    for _ in range(FREE_TRIES):
        assert refusal(database, name, "a wrong password").retry_after == 0
    for _ in range(12):
        too_early = refusal(database, name, PASSWORD)
        assert f"Wait {too_early.retry_after:.0f} seconds" in str(too_early)
        waits.append(too_early.retry_after)
        time.forward(seconds=too_early.retry_after)
        assert refusal(database, name, "a wrong password").retry_after == 0
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert waits[-1] == LONGEST_DELAY.total_seconds()


def test_the_right_password_ends_the_delays(database: Database, staff: Actor, time: Clock) -> None:
    for _ in range(FREE_TRIES):
        refusal(database, "staff", "a wrong password")
    time.forward(seconds=2)
    assert sign_in(database)
    for _ in range(FREE_TRIES):
        assert refusal(database, "staff", "a wrong password").retry_after == 0


def test_a_new_password_ends_the_delays(database: Database, staff: Actor, time: Clock) -> None:
    for _ in range(FREE_TRIES):
        refusal(database, "staff", "a wrong password")
    users.reset_password(database, OPERATOR, name="staff", password="another password")
    assert sign_in(database, password="another password")


def test_one_name_does_not_slow_another(database: Database, staff: Actor, clinician: Actor) -> None:
    for _ in range(FREE_TRIES):
        refusal(database, "staff", "a wrong password")
    assert sign_in(database, "clinician")


def test_many_tries_at_one_moment_are_not_all_looked_at(database: Database, staff: Actor) -> None:
    """Whoever sends a hundred guesses at once gets no more answers than whoever sends them one by one."""
    start = Barrier(24)

    def guess(number: int) -> bool:
        start.wait()
        return refusal(database, "staff", f"guess number {number}").retry_after > 0

    with ThreadPoolExecutor(24) as pool:
        waiting = list(pool.map(guess, range(24)))
    assert waiting.count(False) == FREE_TRIES


def test_an_idle_session_ends(database: Database, staff: Actor, settings: Settings, time: Clock) -> None:
    token = sign_in(database)
    time.forward(minutes=14)
    assert resumed(database, settings, token)
    time.forward(minutes=14)
    assert resumed(database, settings, token)
    time.forward(minutes=15, seconds=1)
    assert resumed(database, settings, token) is None


def test_a_look_from_the_browser_alone_does_not_keep_a_session(
    database: Database, staff: Actor, settings: Settings, time: Clock
) -> None:
    token = sign_in(database)
    for _ in range(5):
        time.forward(minutes=3)
        assert resumed(database, settings, token, touch=False)
    time.forward(minutes=1)
    assert resumed(database, settings, token, touch=False) is None


def test_a_busy_session_ends_of_age(database: Database, staff: Actor, settings: Settings, time: Clock) -> None:
    token = sign_in(database)
    for _ in range(12 * 6):
        time.forward(minutes=10)
        assert resumed(database, settings, token)
    time.forward(minutes=1)
    assert resumed(database, settings, token) is None


def test_signing_out_ends_one_session_and_everywhere_ends_all(
    database: Database, staff: Actor, clinician: Actor, settings: Settings
) -> None:
    first, second, third = (sign_in(database) for _ in range(3))
    other = sign_in(database, "clinician")
    users.sign_out(database, staff, token=first)
    assert [bool(resumed(database, settings, token)) for token in (first, second, third)] == [False, True, True]
    users.sign_out_everywhere(database, staff)
    assert [bool(resumed(database, settings, token)) for token in (first, second, third)] == [False] * 3
    assert resumed(database, settings, other)
    assert resumed(database, settings, sign_in(database))


def test_a_disabled_account_is_out_at_once_and_stays_out(
    database: Database, staff: Actor, administrator: Actor, settings: Settings
) -> None:
    token = sign_in(database)
    users.set_disabled(database, administrator, name="staff", disabled=True)
    assert resumed(database, settings, token) is None
    assert str(refusal(database, "staff", PASSWORD)) == WRONG
    users.set_disabled(database, administrator, name="staff", disabled=False)
    assert resumed(database, settings, token) is None
    assert resumed(database, settings, sign_in(database))


def test_a_new_role_holds_at_once(database: Database, staff: Actor, administrator: Actor, settings: Settings) -> None:
    token = sign_in(database)
    users.set_role(database, administrator, name="staff", role=Role.CLINICIAN)
    actor = resumed(database, settings, token)
    assert actor is not None and actor.role is Role.CLINICIAN


def test_changing_the_own_password(database: Database, staff: Actor, settings: Settings) -> None:
    tokens = [sign_in(database), sign_in(database)]
    accounts = all_rows(database)["user_account"]
    for current, new, error in (
        ("a wrong password", "another password", SignInFailed),
        (PASSWORD, "short", Invalid),
        (PASSWORD, "x" * 257, Invalid),
    ):
        with pytest.raises(error):
            users.change_own_password(database, staff, current=current, new=new)
    assert all_rows(database)["user_account"] == accounts
    assert all(resumed(database, settings, token) for token in tokens)
    users.change_own_password(database, staff, current=PASSWORD, new="another password")
    assert not any(resumed(database, settings, token) for token in tokens)
    assert str(refusal(database, "staff", PASSWORD)) == WRONG
    assert sign_in(database, password="another password")


def test_a_password_that_an_administrator_sets_ends_the_sessions(
    database: Database, staff: Actor, administrator: Actor, settings: Settings
) -> None:
    token = sign_in(database)
    users.reset_password(database, administrator, name="staff", password="another password")
    assert resumed(database, settings, token) is None
    assert sign_in(database, password="another password")


def first_administrator(database: Database, name: str = "ada", **changes: str) -> None:
    details = {"full_name": "Ada Administrator", "password": PASSWORD, **changes}
    users.make_first_administrator(database, name=name, address=HERE, **details)


def test_the_first_administrator_is_made_once(database: Database) -> None:
    assert not users.has_administrator(database)
    first_administrator(database)
    assert users.has_administrator(database)
    before = all_rows(database)
    with pytest.raises(Conflict, match="There is an administrator already"):
        first_administrator(database, "eve")
    assert all_rows(database) == before
    assert sign_in(database, "ada")


def test_of_many_first_administrators_one_is_made(database: Database) -> None:
    start = Barrier(8)

    def make(number: int) -> bool:
        start.wait()
        try:
            first_administrator(database, f"ada{number}")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(8))) == 1
    assert len(users.list_users(database, OPERATOR)) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a"),
        ("name", "Ada Lovelace"),
        ("name", "ada\x00"),
        ("name", "a" * 65),
        ("name", "-ada"),
        ("name", "आदा"),
        ("full_name", "  "),
        ("full_name", "x" * 201),
        ("password", "too short"),
        ("password", "x" * 257),
    ],
)
def test_what_an_account_cannot_be_made_of(database: Database, field: str, value: str) -> None:
    before = all_rows(database)
    details = {"name": "ada", "full_name": "Ada Administrator", "password": PASSWORD, field: value}
    with pytest.raises(Invalid) as refused:
        users.make_first_administrator(database, address=HERE, **details)
    assert refused.value.field == field
    if value.strip():
        with pytest.raises(Invalid):
            users.add_user(database, OPERATOR, role=Role.STAFF, **details)
    assert all_rows(database) == before


def test_a_name_is_taken_once(database: Database, staff: Actor) -> None:
    before = all_rows(database)
    for name in ("staff", " STAFF "):
        with pytest.raises(Conflict, match="of that name already"):
            users.add_user(database, OPERATOR, name=name, role=Role.CLINICIAN, password=PASSWORD)
    assert all_rows(database) == before


def test_nobody_is_changed_who_is_not_there(database: Database, administrator: Actor) -> None:
    before = all_rows(database)
    changes: list[Callable[[], object]] = [
        lambda: users.set_role(database, administrator, name="nobody", role=Role.STAFF),
        lambda: users.set_disabled(database, administrator, name="nobody", disabled=True),
        lambda: users.reset_password(database, administrator, name="nobody", password=PASSWORD),
    ]
    for change in changes:
        with pytest.raises(NotFound, match="no account of that name"):
            change()
    assert all_rows(database) == before


def test_the_last_administrator_stays(database: Database, administrator: Actor) -> None:
    before = all_rows(database)
    changes: list[Callable[[], object]] = [
        lambda: users.set_role(database, administrator, name="administrator", role=Role.CLINICIAN),
        lambda: users.set_disabled(database, administrator, name="administrator", disabled=True),
        lambda: users.set_disabled(database, OPERATOR, name="administrator", disabled=True),
    ]
    for change in changes:
        with pytest.raises(Conflict, match="Nobody would be left to administer"):
            change()
    assert all_rows(database) == before
    users.add_user(database, administrator, name="second", role=Role.ADMINISTRATOR, password=PASSWORD)
    users.set_disabled(database, administrator, name="second", disabled=True)
    with pytest.raises(Conflict):
        users.set_role(database, administrator, name="administrator", role=Role.STAFF)


def test_administrators_who_shut_each_other_out_at_one_moment_leave_one(
    database: Database, administrator: Actor
) -> None:
    names = ["administrator"]
    for number in range(5):
        names.append(f"second{number}")
        users.add_user(database, administrator, name=names[-1], role=Role.ADMINISTRATOR, password=PASSWORD)
    start = Barrier(len(names))

    def shut_out(number: int) -> bool:
        start.wait()
        try:
            users.set_disabled(database, administrator, name=names[number], disabled=True)
        except DermTrailError:
            return False
        return True

    with ThreadPoolExecutor(len(names)) as pool:
        assert sum(pool.map(shut_out, range(len(names)))) == len(names) - 1
    assert users.has_administrator(database)


def test_who_can_see_a_patient(database: Database, staff: Actor, clinician: Actor, administrator: Actor) -> None:
    users.add_user(database, OPERATOR, name="retired", role=Role.CLINICIAN, password=PASSWORD)
    users.set_disabled(database, OPERATOR, name="retired", disabled=True)
    assert [user.name for user in users.clinicians(database, staff)] == ["administrator", "clinician"]
    assert [user.name for user in users.list_users(database, administrator)] == [
        "administrator",
        "clinician",
        "retired",
        "staff",
    ]
