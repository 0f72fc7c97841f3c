"""Passwords: which are good enough, and how they are kept."""

import secrets
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import Invalid

MIN_LENGTH = 10
"""NIST SP 800-63B asks for at least 8 characters and no rules of composition."""

MAX_LENGTH = 256
"""Longer ones would only make hashing slow."""

_hasher = PasswordHasher()
# One hash takes 64 MB and several threads: many sign-ins at once wait their turn instead of taking all memory.
_turns = BoundedSemaphore(2)


@cache
def _nobody() -> str:
    """A hash that no password fits: made at the first sign-in, since it takes a while and not every start needs it."""
    return _hasher.hash(secrets.token_urlsafe())


def hash_password(password: str) -> str:
    """The argon2id hash of a new password. Raises Invalid where it is too short or too long."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.", field="password")
    with _turns:
        return _hasher.hash(password)


def is_right(password: str, password_hash: str | None) -> bool:
    """Whether `password` is the one hashed. Takes the same time where there is no account (None) as where there is."""
    nobody = _nobody()
    try:
        with _turns:
            right = _hasher.verify(password_hash or nobody, password[:MAX_LENGTH])
        return right and password_hash is not None and len(password) <= MAX_LENGTH
    except (VerificationError, InvalidHashError):
        return False
