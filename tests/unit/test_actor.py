"""What each role may do."""

import pytest

from core.errors import NotAllowed
from core.records.actor import OPERATOR, Actor, Permission, requires
from core.records.database import Database
from core.records.terms import Role


def somebody(role: Role) -> Actor:
    return Actor(user_id=7, name="somebody", role=role, address="192.0.2.7")


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.STAFF, {Permission.READ_CHART, Permission.WRITE_CHART}),
        (Role.CLINICIAN, set(Permission) - {Permission.ADMINISTER}),
        (Role.ADMINISTRATOR, set(Permission)),
    ],
)
def test_permissions(role: Role, may: set[Permission]) -> None:
    actor = somebody(role)
    for permission in Permission:
        assert actor.may(permission) == (permission in may)
        if permission in may:
            actor.require(permission)
        else:
            with pytest.raises(NotAllowed, match=f"does not include this: {permission}"):
                actor.require(permission)


def test_a_verb_is_not_begun_without_its_permission() -> None:
    done: list[str] = []

    @requires(Permission.ADMINISTER)
    def close_the_clinic(database: Database, actor: Actor, *, why: str) -> str:
        done.append(why)
        return f"closed: {why}"

    database = Database("sqlite://")
    with pytest.raises(NotAllowed):
        close_the_clinic(database, somebody(Role.CLINICIAN), why="holiday")
    assert done == []
    assert close_the_clinic(database, somebody(Role.ADMINISTRATOR), why="holiday") == "closed: holiday"
    assert (close_the_clinic.permission, close_the_clinic.__name__) == (Permission.ADMINISTER, "close_the_clinic")


def test_the_operator_may_everything_and_has_no_account() -> None:
    assert all(OPERATOR.may(permission) for permission in Permission)
    with pytest.raises(NotAllowed, match="needs a person with an account"):
        OPERATOR.account()
    assert somebody(Role.STAFF).account() == 7
