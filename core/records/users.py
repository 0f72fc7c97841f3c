"""Accounts and their sessions."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from core.errors import Conflict, Invalid, NotFound, SignInFailed
from core.records import audit, clock, passwords, texts, throttle
from core.records.actor import PERMISSIONS, Actor, Permission, requires
from core.records.database import Database
from core.records.tables import User, UserSession
from core.records.terms import Role
from core.settings import Settings

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")

_WRONG = "That name and password do not go together."

_ADMINISTRATORS = "change who may administer"


def has_administrator(database: Database) -> bool:
    """Whether anybody can administer yet; false on the very first start."""
    with database.reading() as session:
        return _active_administrators(session) > 0


def make_first_administrator(database: Database, *, name: str, full_name: str, password: str, address: str) -> User:
    """Make the first account. Raises Conflict where there is an administrator already, Invalid for bad input."""
    password_hash = passwords.hash_password(password)
    with database.writing() as session:
        database.take_turns(session, _ADMINISTRATORS)
        if _active_administrators(session):
            raise Conflict("There is an administrator already.")
        user = _add(session, name=name, full_name=full_name, role=Role.ADMINISTRATOR, password_hash=password_hash)
        actor = Actor(user_id=user.id, name=user.name, role=user.role, address=address)
        audit.record(session, actor, "user.first_administrator", subject_type="user", subject_id=user.id)
    return user


@requires(Permission.ADMINISTER)
def add_user(
    database: Database, actor: Actor, *, name: str, role: Role, password: str, full_name: str | None = None
) -> User:
    """Add an account. Raises Invalid for a bad name or password, Conflict where the name is taken."""
    password_hash = passwords.hash_password(password)
    with database.writing() as session:
        user = _add(session, name=name, full_name=full_name or name, role=role, password_hash=password_hash)
        audit.record(session, actor, "user.add", subject_type="user", subject_id=user.id)
    return user


@requires(Permission.ADMINISTER)
def list_users(database: Database, actor: Actor) -> list[User]:
    """Every account, disabled ones too, by name."""
    with database.reading() as session:
        return list(session.scalars(select(User).order_by(User.name)))


@requires(Permission.READ_CHART)
def clinicians(database: Database, actor: Actor) -> list[User]:
    """Who can see a patient: every active account that may diagnose, by full name."""
    roles = [role for role, permissions in PERMISSIONS.items() if Permission.DIAGNOSE in permissions]
    query = select(User).where(User.role.in_(roles), User.disabled_at.is_(None)).order_by(User.full_name)
    with database.reading() as session:
        return list(session.scalars(query))


@requires(Permission.ADMINISTER)
def set_role(database: Database, actor: Actor, *, name: str, role: Role) -> User:
    """Change what an account may do, at once. Raises Conflict where nobody would be left to administer."""
    with database.writing() as session:
        database.take_turns(session, _ADMINISTRATORS)
        with _keeping_an_administrator(session):
            user = _named(session, name)
            user.role = role
        audit.record(session, actor, f"user.role.{role}", subject_type="user", subject_id=user.id)
    return user


@requires(Permission.ADMINISTER)
def set_disabled(database: Database, actor: Actor, *, name: str, disabled: bool) -> User:
    """Shut an account out, ending its sessions, or let it in again. Raises Conflict as `set_role` does."""
    with database.writing() as session:
        database.take_turns(session, _ADMINISTRATORS)
        with _keeping_an_administrator(session):
            user = _named(session, name)
            user.disabled_at = clock.now() if disabled else None
        if disabled:
            _end_sessions(session, user.id)
        action = "user.disable" if disabled else "user.enable"
        audit.record(session, actor, action, subject_type="user", subject_id=user.id)
    return user


@requires(Permission.ADMINISTER)
def reset_password(database: Database, actor: Actor, *, name: str, password: str) -> None:
    """Give an account a new password and end its sessions. Raises Invalid, NotFound."""
    password_hash = passwords.hash_password(password)
    with database.writing() as session:
        user = _named(session, name)
        _set_password(session, user, password_hash)
        audit.record(session, actor, "user.reset_password", subject_type="user", subject_id=user.id)


@requires(Permission.READ_CHART)
def change_own_password(database: Database, actor: Actor, *, current: str, new: str) -> None:
    """Change the password of the account that acts, ending all its sessions. Raises SignInFailed, Invalid."""
    user_id = actor.account()
    password_hash = passwords.hash_password(new)
    with database.reading() as session:
        stored = session.get_one(User, user_id).password_hash
    if not passwords.is_right(current, stored):
        with database.writing() as session:
            audit.record(session, actor, "user.change_password_failed", subject_type="user", subject_id=user_id)
        raise SignInFailed("The current password is not right.")
    with database.writing() as session:
        _set_password(session, session.get_one(User, user_id), password_hash)
        audit.record(session, actor, "user.change_password", subject_type="user", subject_id=user_id)


def sign_in(database: Database, *, name: str, password: str, address: str) -> str:
    """Open a session and return its token, which is kept nowhere but with the caller.

    Raises SignInFailed; its message does not tell whether the account exists.
    """
    user = _begin_try(database, name)
    # Hashing takes long on purpose, so it happens outside any transaction.
    right = passwords.is_right(password, user.password_hash if user else None)
    if user is None or user.disabled_at is not None or not right:
        _note_failure(database, user, address)
        raise SignInFailed(_WRONG)
    token = secrets.token_urlsafe(32)
    moment = clock.now()
    with database.writing() as session:
        now = session.get_one(User, user.id, with_for_update=True, populate_existing=True)
        if now.disabled_at is not None or now.password_hash != user.password_hash:
            # It was shut out, or given another password, while the old one was being hashed.
            raise SignInFailed(_WRONG)
        throttle.forget(session, user.name)
        session.add(UserSession(user_id=user.id, token_sha256=_digest(token), created_at=moment, last_seen_at=moment))
        actor = Actor(user_id=user.id, name=user.name, role=user.role, address=address)
        audit.record(session, actor, "session.sign_in", subject_type="user", subject_id=user.id)
    return token


def resume(database: Database, *, token: str, address: str, settings: Settings, touch: bool = True) -> Actor | None:
    """Who holds the session of `token`; None where it never was, has ended, idled too long or grew too old.

    With `touch` the session counts as used now (noted to a tenth of the idle limit, to spare the disk).
    """
    query = select(UserSession).where(UserSession.token_sha256 == _digest(token)).options(joinedload(UserSession.user))
    with database.reading() as session:
        held = session.scalar(query)
    moment = clock.now()
    if held is None or held.ended_at is not None or held.user.disabled_at is not None:
        return None
    idle = moment - held.last_seen_at
    if idle > settings.idle_limit or moment - held.created_at > settings.session_limit:
        return None
    if touch and idle > settings.idle_limit / 10:
        with database.writing() as session:
            session.execute(update(UserSession).where(UserSession.id == held.id).values(last_seen_at=moment))
    return Actor(user_id=held.user_id, name=held.user.name, role=held.user.role, address=address)


def sign_out(database: Database, actor: Actor, *, token: str) -> None:
    """End the session of `token`."""
    with database.writing() as session:
        session.execute(
            update(UserSession)
            .where(UserSession.token_sha256 == _digest(token), UserSession.ended_at.is_(None))
            .values(ended_at=clock.now())
        )
        audit.record(session, actor, "session.sign_out", subject_type="user", subject_id=actor.user_id)


@requires(Permission.READ_CHART)
def sign_out_everywhere(database: Database, actor: Actor) -> None:
    """End every session of the account that acts."""
    user_id = actor.account()
    with database.writing() as session:
        _end_sessions(session, user_id)
        audit.record(session, actor, "session.sign_out_everywhere", subject_type="user", subject_id=user_id)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _normal(name: str) -> str:
    return name.strip().lower()


def _named(session: Session, name: str) -> User:
    user = session.scalar(select(User).where(User.name == _normal(name)).with_for_update())
    if user is None:
        raise NotFound("There is no account of that name.")
    return user


def _add(session: Session, *, name: str, full_name: str, role: Role, password_hash: str) -> User:
    name = _normal(name)
    if not _NAME.fullmatch(name):
        raise Invalid("A sign-in name has 2 to 64 of the letters a-z, digits and . _ @ -", field="name")
    full_name = texts.required(
        full_name, field="full_name", longest=200, missing="Who is it? The full name is missing."
    )
    user = User(name=name, full_name=full_name, role=role, password_hash=password_hash, created_at=clock.now())
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("There is an account of that name already.") from error
    return user


def _active_administrators(session: Session) -> int:
    query = select(func.count()).where(User.role == Role.ADMINISTRATOR, User.disabled_at.is_(None))
    return session.scalar(query) or 0


@contextmanager
def _keeping_an_administrator(session: Session) -> Iterator[None]:
    before = _active_administrators(session)
    yield
    session.flush()
    if before and not _active_administrators(session):
        raise Conflict("Nobody would be left to administer DermTrail.")


def _end_sessions(session: Session, user_id: int) -> None:
    query = update(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
    session.execute(query.values(ended_at=clock.now()))


def _set_password(session: Session, user: User, password_hash: str) -> None:
    user.password_hash = password_hash
    throttle.forget(session, user.name)
    _end_sessions(session, user.id)


def _begin_try(database: Database, name: str) -> User | None:
    """The account of that name, if any, with this try counted as failed until it proves right. Raises SignInFailed."""
    name = _normal(name)
    with database.writing() as session:
        database.take_turns(session, "count a sign-in")
        throttle.count_try(session, name)
        return session.scalar(select(User).where(User.name == name))


def _note_failure(database: Database, user: User | None, address: str) -> None:
    with database.writing() as session:
        # What was typed as a name may be a password typed into the wrong field: it is not kept.
        nobody = Actor(user_id=None, name=user.name if user else "unknown", role=Role.STAFF, address=address)
        subject_id = user.id if user else None
        audit.record(session, nobody, "session.sign_in_failed", subject_type="user", subject_id=subject_id)
