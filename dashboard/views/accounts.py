"""Accounts and their roles, for the administrator."""

from collections.abc import Callable

import streamlit as st

from core.records import users
from core.records.passwords import MIN_LENGTH
from core.records.tables import User
from core.records.terms import Role
from dashboard import page

FORM = "add_user"

actor, database = page.person(), page.database()


def add_form() -> None:
    key = page.turn_key(FORM)
    with st.form(key):
        left, right = st.columns(2)
        full_name = left.text_input("Full name", key=f"{key}:full_name")
        name = right.text_input("Sign-in name", key=f"{key}:name")
        role = left.selectbox("Role", list(Role), format_func=str.title, key=f"{key}:role")
        password = right.text_input(
            f"First password (at least {MIN_LENGTH} characters)",
            type="password",
            autocomplete="new-password",
            key=f"{key}:password",
        )
        if st.form_submit_button("Add account", type="primary", icon=":material/person_add:"):
            with page.errors_told():
                users.add_user(database, actor, name=name, role=role, password=password, full_name=full_name or None)
                page.next_turn(FORM)
                page.tell_next("The account is added.")
                st.rerun()


def account_row(user: User) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{page.plain(user.full_name)}**  \n{page.plain(user.name)}", width="stretch")
        if user.disabled_at:
            st.badge("disabled", color="red")
        roles = list(Role)
        chosen = st.selectbox(
            "Role", roles, roles.index(user.role), format_func=str.title, key=f"role_{user.id}_{user.role}", width=180
        )
        if chosen != user.role and st.button("Change role", key=f"set_{user.id}", type="primary"):
            change(lambda: users.set_role(database, actor, name=user.name, role=chosen), "The role is changed.")
        with st.popover("New password"):
            form = f"password:{user.id}"
            password = st.text_input("New password", type="password", key=page.turn_key(form))
            if st.button("Set password", key=f"reset_{user.id}"):
                page.next_turn(form)
                change(
                    lambda: users.reset_password(database, actor, name=user.name, password=password),
                    "The password is set.",
                )
        word = "Enable" if user.disabled_at else "Disable"
        if st.button(word, key=f"disable_{user.id}"):
            disabled = user.disabled_at is None
            change(
                lambda: users.set_disabled(database, actor, name=user.name, disabled=disabled),
                "The account is disabled." if disabled else "The account is enabled.",
            )


def change(verb: Callable[[], object], news: str) -> None:
    with page.errors_told():
        verb()
        page.tell_next(news)
        st.rerun()


st.title("Accounts")
with page.page_of_one_thing():
    accounts = users.list_users(database, actor)
with st.expander("Add an account", icon=":material/person_add:", expanded=len(accounts) == 1):
    add_form()
for user in accounts:
    account_row(user)
