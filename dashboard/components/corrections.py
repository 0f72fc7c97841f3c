"""Putting right what was logged of a visit: its own details, and the lesion that an image was added to."""

from collections.abc import Sequence

import streamlit as st

from core.records import images, lesions, visits
from core.records.tables import Image, Lesion, Visit
from dashboard import page
from dashboard.components.reading import thumbnail
from dashboard.components.visit_form import visit_form


def corrections(visit: Visit, taken: Sequence[Image]) -> None:
    """Both forms, folded away; `taken` are the visit's images in the order they were added."""
    with st.expander("Correct a mistake", icon=":material/edit:"):
        of_visit, of_image = st.tabs(["The visit", "An image's lesion"])
        with of_visit:
            _edit(visit)
        with of_image:
            _move(visit, taken)


def _edit(visit: Visit) -> None:
    form = f"edit_visit:{visit.id}"
    key = page.turn_key(form)
    # The visit as it was when the form first appeared: a change made meanwhile is not overwritten.
    seen: Visit = st.session_state.setdefault(f"{key}:seen", visit)
    entry = visit_form(
        key,
        submit="Save the visit",
        icon=":material/save:",
        at=seen.at,
        clinician=seen.clinician,
        reason=seen.reason,
        notes=seen.notes or "",
    )
    if entry is not None:
        with page.errors_told():
            visits.edit_visit(
                page.database(),
                page.person(),
                visit_id=visit.id,
                seen=seen,
                at=entry.at,
                reason=entry.reason,
                clinician_id=entry.clinician_id,
                notes=entry.notes,
            )
            page.next_turn(form)
            page.tell_next("The visit is changed. What it was before stands in the patient's history.")
            st.rerun()
    if visits.as_logged(seen) != visits.as_logged(visit):
        st.warning("Somebody else has changed this visit since you opened this form.", icon=":material/sync_problem:")
        if st.button("Begin again", icon=":material/refresh:"):
            page.next_turn(form)
            st.rerun()


def _move(visit: Visit, taken: Sequence[Image]) -> None:
    known = lesions.list_lesions(page.database(), page.person(), patient_id=visit.patient_id)
    if not taken or len(known) < 2:
        st.caption("There is no image to move, or no other lesion. Add the right lesion above first.")
        return
    form = f"move_image:{visit.id}"
    key = page.turn_key(form)
    image_of = {image.id: image for image in taken}
    lesion_of = {lesion.id: lesion for lesion in known}
    number = {image.id: position for position, image in enumerate(taken, start=1)}
    choose, show = st.columns([3, 1])
    with choose:
        image_id = st.selectbox(
            "Image",
            list(image_of),
            None,
            format_func=lambda one: f"{number[one]} · {_words(image_of[one].lesion)}",
            placeholder="Choose, in the order they were added",
            key=f"{key}:image",
        )
        if image_id is None:
            return
        lesion_id = st.selectbox(
            "It shows",
            [one for one in lesion_of if one != image_of[image_id].lesion_id],
            None,
            format_func=lambda one: _words(lesion_of[one]),
            placeholder="Choose the lesion",
            key=f"{key}:lesion:{image_id}",
        )
        st.caption("Its readings and outlines go with it. Diagnoses, plans and recalls stay with their lesion.")
        if st.button("Move the image", icon=":material/drive_file_move:", disabled=lesion_id is None, key=f"{key}:go"):
            with page.errors_told():
                images.move_image(page.database(), page.person(), image_id=image_id, lesion_id=lesion_id)
                page.next_turn(form)
                page.tell_next(f"The image is one of {lesion_of[lesion_id].label} now.")
                st.rerun()
    with show:
        thumbnail(image_of[image_id])


def _words(lesion: Lesion) -> str:
    return " · ".join(filter(None, (lesion.label, lesion.place, lesion.description)))
