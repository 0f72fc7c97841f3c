"""Your account: password, and signing out everywhere."""

import streamlit as st

from core.records import users
from core.records.passwords import MIN_LENGTH
from dashboard import page

actor, database = page.person(), page.database()

st.title("Your account")
st.markdown(f"Signed in as **{actor.name}**, {actor.role}.")
left, right = st.columns(2, gap="large")
with left, st.form("password", clear_on_submit=True):
    st.subheader("Change password")
    current = st.text_input("Current password", type="password", autocomplete="current-password")
    new = st.text_input(
        f"New password (at least {MIN_LENGTH} characters)", type="password", autocomplete="new-password"
    )
    again = st.text_input("New password again", type="password", autocomplete="new-password")
    if st.form_submit_button("Change password", type="primary"):
        if new != again:
            st.error("The two new passwords are not the same.", icon=":material/error:")
        else:
            with page.errors_told():
                users.change_own_password(database, actor, current=current, new=new)
                st.success("The password is changed. Sign in with it.", icon=":material/check_circle:")
with right, st.container(border=True):
    st.subheader("Sign out everywhere")
    st.write("Ends your sessions on every device, this one too.")
    if st.button("Sign out everywhere", icon=":material/logout:"):
        with page.errors_told():
            users.sign_out_everywhere(database, actor)
            st.rerun()
