"""Who acts, and what each role may do."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast

from core.errors import NotAllowed
from core.records.database import Database
from core.records.terms import Role


class Permission(StrEnum):
    """What a verb asks of the person who acts."""

    READ_CHART = "read charts"
    WRITE_CHART = "register patients, log visits, add images, and put right what was entered"
    EXPORT = "take whole charts out of the clinic"
    DIAGNOSE = "review readings, record diagnoses, set recalls and refer"
    ADMINISTER = "manage accounts, the clinic directory and the audit trail"


_STAFF = frozenset({Permission.READ_CHART, Permission.WRITE_CHART})
_CLINICIAN = _STAFF | {Permission.EXPORT, Permission.DIAGNOSE}
# The administrator of a small clinic is often its only doctor, so this role may do everything; what was done under it
# stands in the audit trail like everything else.
_ADMINISTRATOR = _CLINICIAN | {Permission.ADMINISTER}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.STAFF: _STAFF,
    Role.CLINICIAN: _CLINICIAN,
    Role.ADMINISTRATOR: _ADMINISTRATOR,
}


@dataclass(frozen=True)
class Actor:
    """The person who acts. `user_id` is None for the operator at the terminal; `address` says from where."""

    user_id: int | None
    name: str
    role: Role
    address: str

    def may(self, permission: Permission) -> bool:
        """Whether this person's role includes `permission`."""
        return permission in PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Raise NotAllowed where this person's role does not include `permission`."""
        if not self.may(permission):
            raise NotAllowed(f"Your role ({self.role}) does not include this: {permission}.")

    def account(self) -> int:
        """The id of this person's account. Raises NotAllowed for the operator, who has none."""
        if self.user_id is None:
            raise NotAllowed("This needs a person with an account, and the operator at the terminal has none.")
        return self.user_id


OPERATOR = Actor(user_id=None, name="operator", role=Role.ADMINISTRATOR, address="terminal")
"""Whoever has a shell on the server, and with it the files themselves."""

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class Verb(Protocol[P, R_co]):
    """A verb, and what it asks of whoever calls it."""

    permission: Permission
    __name__: str

    def __call__(self, database: Database, actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Do it."""


def requires(
    permission: Permission,
) -> Callable[[Callable[Concatenate[Database, Actor, P], R_co]], Verb[P, R_co]]:
    """Make a function a verb: before anything else it raises NotAllowed unless the actor has `permission`."""

    def decorate(function: Callable[Concatenate[Database, Actor, P], R_co]) -> Verb[P, R_co]:
        @wraps(function)
        def verb(database: Database, actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R_co:
            actor.require(permission)
            return function(database, actor, *args, **kwargs)

        verb.permission = permission  # type: ignore[attr-defined]
        return cast(Verb[P, R_co], verb)

    return decorate
