"""The fields of a new lesion."""

import streamlit as st

from core.records.tables import BodySite, Laterality


def lesion_fields(key: str) -> tuple[str, str | None, str]:
    """Ask for body site, side and description; `key` tells apart two such forms on one page."""
    site, side, text = st.columns([2, 1, 3])
    return (
        site.selectbox("Body site", list(BodySite), key=f"{key}_site"),
        side.selectbox("Side", [None, *Laterality], format_func=lambda value: value or "–", key=f"{key}_side"),
        text.text_input(
            "Description", placeholder="Such as: below the shoulder blade", max_chars=200, key=f"{key}_description"
        ),
    )
