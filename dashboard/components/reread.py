"""The button that reads a lesion's whole history again with the current model."""

import streamlit as st

from core.records import rereading
from core.records.tables import Lesion
from dashboard import page
from dashboard.session import workspace


def reread_section(lesion: Lesion) -> None:
    """Offer to read again what another version read last, with the progress; nothing where there is no such image."""
    here = workspace()
    with page.errors_told():
        outdated = rereading.outdated_images(
            here.database,
            page.person(),
            model_version=here.reader.model_version,
            lesion_id=lesion.id,
            unread_too=True,
        )
        if not outdated:
            return
        images = f"{len(outdated)} image{'' if len(outdated) == 1 else 's'}"
        st.caption(f"{images} of this lesion not yet read by the current model, {here.reader.model_version}.")
        if not st.button("Read the history with the current model", icon=":material/history:", key="reread"):
            return
        failed = _read(outdated)
        page.tell_next(f"{len(outdated) - len(failed)} of {images} read again.")
        st.session_state[f"reread_failed:{lesion.id}"] = failed
        st.rerun()


def tell_failed(lesion: Lesion) -> None:
    """Say which images could not be read again the last time."""
    for sentence in st.session_state.pop(f"reread_failed:{lesion.id}", ()):
        st.error(sentence, icon=":material/error:")


def _read(image_ids: list[int]) -> list[str]:
    here = workspace()
    bar = st.progress(0.0, "Reading again")
    failed = []
    done = rereading.read_all_again(
        here.database, page.person(), store=here.images, reader=here.reader, image_ids=image_ids
    )
    for count, one in enumerate(done, start=1):
        bar.progress(count / len(image_ids), f"Reading again: {count} of {len(image_ids)}")
        if one.error:
            failed.append(f"An image was not read again: {one.error}")
    return failed
