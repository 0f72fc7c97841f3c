"""The model card: what the model was made from, what it was measured to do, and what it cannot."""

import streamlit as st

from dashboard import page
from dashboard.model_card import Diagram, read_card
from dashboard.session import workspace

page.person()


def show(part: str | list[Diagram]) -> None:
    if isinstance(part, str):
        st.markdown(part)
        return
    for column, diagram in zip(st.columns(2, gap="large"), part, strict=False):
        column.image(str(diagram.path), caption=diagram.caption)


st.title("Model")
st.caption("What reads the images here: what it was made from, what it was measured to do, and what it cannot.")
version = workspace().reader.model_version
card = read_card()
if card is None:
    st.info(f"There is no card of {page.plain(version)} yet.", icon=":material/description:")
    st.stop()
if card.model_version != version:
    st.warning(
        f"This card is of {page.plain(card.model_version)}. Images here are read by {page.plain(version)}, which has "
        "not been measured.",
        icon=":material/warning:",
    )
for tab, section in zip(st.tabs([section.title for section in card.sections]), card.sections, strict=True):
    with tab, st.container(key=f"card-{section.title.lower().replace(' ', '-')}"):
        for part in section.parts:
            show(part)
