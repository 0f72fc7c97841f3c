"""A visit: its lesions, the images taken, and what the model says of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import DermTrailError, LikelyDuplicate
from core.records import images, lesions, patients, visits
from core.records.tables import BodySite, Image, ImageType, Laterality, Lesion, Visit
from dashboard import navigation, page
from dashboard.components.banner import banner
from dashboard.components.lesion_form import lesion_fields
from dashboard.components.reading import reading_panel
from dashboard.session import workspace

TYPES = ["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "heic", "heif"]
IMAGE_TYPE_WORDS = {
    ImageType.DERMOSCOPIC: "Dermoscopic",
    ImageType.CLOSE_UP: "Close-up",
    ImageType.OVERVIEW: "Overview",
}
HELD = "held_images"

actor, database = page.person(), page.database()


@dataclass(frozen=True)
class HeldImage:
    """A file that another patient's chart holds too, and that waits for somebody to say what to do."""

    name: str
    data: bytes
    lesion_id: int
    image_type: ImageType
    others: list[int]


def choose_lesion(visit: Visit) -> Lesion | None:
    known = {
        summary.lesion.id: summary.lesion
        for summary in lesions.lesions_of(database, actor, patient_id=visit.patient_id)
    }
    chosen = None
    if known:
        key = f"lesion_{visit.id}"
        # Whoever adds a lesion goes on to take its images, which must not end with the one chosen before.
        if (fresh := st.session_state.pop("fresh_lesion", None)) in known:
            st.session_state[key] = fresh
        chosen = known[st.selectbox("Lesion", list(known), key=key, format_func=lambda id: lesion_words(known[id]))]
    with st.expander("Add a lesion", icon=":material/add_location:", expanded=not known):
        add_lesion_form(visit)
    return chosen


def lesion_words(lesion: Lesion) -> str:
    return " · ".join(filter(None, (lesion.label, lesion.place, lesion.description)))


def add_lesion_form(visit: Visit) -> None:
    with st.form("add_lesion", clear_on_submit=True, border=False):
        site, side, description = lesion_fields("visit")
        sent = st.form_submit_button("Add lesion", icon=":material/add_location:")
    if sent:
        with page.errors_told():
            lesion = lesions.add_lesion(
                database,
                actor,
                patient_id=visit.patient_id,
                body_site=BodySite(site),
                laterality=Laterality(side) if side else None,
                description=description,
            )
            st.session_state["fresh_lesion"] = lesion.id
            page.tell_next(f"{lesion.label} is added.")
            st.rerun()


def image_source() -> Sequence[tuple[str, bytes]]:
    """The files chosen or photographed, as name and content."""
    turn = st.session_state.setdefault("upload_turn", 0)
    by_upload, by_camera = st.tabs(["Upload", "Camera"])
    files = by_upload.file_uploader(
        "Images of this lesion", type=TYPES, accept_multiple_files=True, key=f"upload_{turn}"
    )
    with by_camera:
        photo = None
        if st.toggle("Use this device's camera", key="camera_on"):
            photo = st.camera_input("Photograph the lesion", key=f"camera_{turn}")
    return [(file.name, file.getvalue()) for file in [*files, *([photo] if photo else [])]]


def add_images(visit: Visit, lesion: Lesion, files: Sequence[tuple[str, bytes]], image_type: ImageType) -> None:
    progress = st.progress(0.0, "Reading the images")
    held: list[HeldImage] = []
    problems: list[str] = []
    added = 0
    for done, (name, data) in enumerate(files, start=1):
        try:
            add_image(visit, lesion.id, data, image_type)
            added += 1
        except LikelyDuplicate as duplicate:
            held.append(HeldImage(name, data, lesion.id, image_type, duplicate.candidates))
        except DermTrailError as error:
            problems.append(f"{name}: {error}")
        progress.progress(done / len(files), f"{done} of {len(files)}")
    st.session_state["upload_turn"] += 1
    st.session_state[HELD] = held
    st.session_state["upload_problems"] = problems
    if added:
        page.tell_next(f"{added} image{'' if added == 1 else 's'} added and read.")
    st.rerun()


def add_image(visit: Visit, lesion_id: int, data: bytes, image_type: ImageType, *, sure: bool = False) -> Image:
    return images.add_image(
        database,
        actor,
        intake=workspace().intake,
        visit_id=visit.id,
        lesion_id=lesion_id,
        data=data,
        image_type=image_type,
        although_elsewhere=sure,
    )


def tell_problems() -> None:
    for problem in st.session_state.pop("upload_problems", []):
        st.error(problem, icon=":material/broken_image:")


def ask_about_held(visit: Visit) -> None:
    for held in list(st.session_state.get(HELD, [])):
        with st.container(border=True):
            st.error(
                f"**{held.name} is already in the chart of another patient. It was not added.** "
                "Make sure that you are in the right chart.",
                icon=":material/person_alert:",
            )
            for other in patients.patients_by_id(database, actor, patient_ids=held.others):
                navigation.link_to(navigation.PATIENT, f"{other.name} · No. {other.record_number}", id=other.id)
            discard, store = st.columns(2)
            if discard.button("Discard", key=f"discard_{held.name}", type="primary"):
                st.session_state[HELD].remove(held)
                st.rerun()
            if store.button("It belongs here too: add it", key=f"store_{held.name}"):
                with page.errors_told():
                    add_image(visit, held.lesion_id, held.data, held.image_type, sure=True)
                    st.session_state[HELD].remove(held)
                    st.rerun()


def image_row(image: Image, *, expanded: bool) -> None:
    reading = image.reading
    label = f"{image.lesion.label} · {image.lesion.place} · {IMAGE_TYPE_WORDS[image.image_type]}"
    if reading:
        label += f" · malignant {reading.malignant_probability:.0%}"
    with st.expander(label, expanded=expanded, icon=":material/flag:" if reading and reading.flagged else None):
        reading_panel(image)
        text = f"{image.lesion.label} through time, diagnosis and recall"
        navigation.link_to(navigation.LESION, text, id=image.lesion_id, icon=":material/timeline:")


with page.page_of_one_thing():
    visit = visits.get_visit(database, actor, visit_id=navigation.id_in_address())
st.title(f"Visit of {page.day_and_time(visit.at)}")
banner(visit.patient)
clinician = f"Seen by {visit.clinician.full_name}" if visit.clinician else "No clinician yet"
st.markdown(f"**{visit.reason}** · {clinician}")
if visit.notes:
    st.markdown(visit.notes)
if not visit.patient.photo_consent_on:
    st.warning(
        "This patient has not consented to photographs. Ask before you take any.", icon=":material/no_photography:"
    )
st.subheader("Add images")
lesion = choose_lesion(visit)
if lesion is not None:
    kinds = list(ImageType)
    kind = st.segmented_control(
        "Image type", kinds, default=kinds[0], required=True, format_func=IMAGE_TYPE_WORDS.__getitem__
    )
    files = image_source()
    if st.button("Add and read", type="primary", icon=":material/add_photo_alternate:", disabled=not files):
        add_images(visit, lesion, files, kind)
tell_problems()
ask_about_held(visit)

st.subheader("Images of this visit")
taken = visits.images_of_visit(database, actor, visit_id=visit.id)
if not taken:
    st.info("No image yet. Choose a lesion above and add one.", icon=":material/add_photo_alternate:")
for position, image in enumerate(reversed(taken)):
    image_row(image, expanded=position == 0)
