"""A visit: its lesions, the images taken, and what the model says of each."""

from collections.abc import Sequence

import streamlit as st

from core.records import lesions, visits
from core.records.tables import Image, Visit
from core.records.terms import ImageType
from dashboard import navigation, page
from dashboard.components import exports, uploads
from dashboard.components.banner import banner
from dashboard.components.corrections import corrections
from dashboard.components.patient_map import patient_map
from dashboard.components.reading import reading_panel

TYPES = ["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "heic", "heif", "dcm"]
IMAGE_TYPE_WORDS = {
    ImageType.DERMOSCOPIC: "Dermoscopic",
    ImageType.CLOSE_UP: "Close-up",
    ImageType.OVERVIEW: "Overview",
}

actor, database = page.person(), page.database()


def choose_lesion(visit: Visit) -> int | None:
    """The id of the lesion that the images are of. Of several none is chosen beforehand: it would be the wrong one."""
    known = {lesion.id: lesion for lesion in lesions.list_lesions(database, actor, patient_id=visit.patient_id)}
    key, added_key = f"lesion:{visit.id}", f"added_lesion:{visit.id}"
    added = st.session_state.pop(added_key, None)
    if added in known:
        st.session_state[key] = added
    chosen = None
    if known:

        def words(lesion_id: int) -> str:
            lesion = known[lesion_id]
            return " · ".join(filter(None, (lesion.label, lesion.place, lesion.description)))

        only_one = 0 if len(known) == 1 else None
        chosen = st.selectbox("Lesion", list(known), only_one, format_func=words, placeholder="Choose", key=key)
    with st.expander("Add a lesion", icon=":material/add_location:", expanded=not known):
        lesion = patient_map("visit", patient_id=visit.patient_id)
    if lesion is not None:
        st.session_state[added_key] = lesion.id
        st.rerun()
    return chosen


def image_source(key: str) -> Sequence[tuple[str, bytes]]:
    """The files chosen or photographed, as name and content."""
    by_upload, by_camera = st.tabs(["Upload", "Camera"])
    files = by_upload.file_uploader(
        "Images of this lesion", type=TYPES, accept_multiple_files=True, key=f"{key}:upload"
    )
    photo = None
    with by_camera:
        if st.toggle("Use this device's camera", key=f"{key}:camera_on"):
            photo = st.camera_input("Photograph the lesion", key=f"{key}:camera")
    return [(file.name, file.getvalue()) for file in [*files, *([photo] if photo else [])]]


def add_images_section(visit: Visit) -> None:
    lesion_id = choose_lesion(visit)
    if lesion_id is None:
        st.caption("Choose the lesion first, or add it.")
        return
    form = f"images:{visit.id}"
    key = page.turn_key(form)
    kinds = list(ImageType)
    kind = st.segmented_control(
        "Image type",
        kinds,
        default=kinds[0],
        required=True,
        format_func=IMAGE_TYPE_WORDS.__getitem__,
        key=f"kind:{visit.id}",
    )
    files = image_source(key)
    add = st.button(
        "Add and read", key=f"{key}:add", type="primary", icon=":material/add_photo_alternate:", disabled=not files
    )
    if add:
        uploads.enqueue(visit, files, lesion_id=lesion_id, image_type=kind)
        page.next_turn(form)
        st.rerun()


def image_row(image: Image, *, expanded: bool) -> None:
    reading = image.reading
    label = f"{image.lesion.label} · {image.lesion.place} · {IMAGE_TYPE_WORDS[image.image_type]}"
    if reading and reading.readable:
        label += f" · malignant or precancerous {reading.malignant_probability:.0%}"
    elif reading:
        label += " · not readable"
    icon = ":material/flag:" if reading and reading.readable and reading.flagged else None
    # A closed one is not drawn: each picture and chart takes its time.
    row = st.expander(label, expanded=expanded, icon=icon, key=f"image:{image.id}", on_change="rerun")
    if not row.open:
        return
    with row:
        reading_panel(image)
        text = f"{image.lesion.label} through time, diagnosis and recall"
        navigation.link_to(navigation.LESION, text, id=image.lesion_id, icon=":material/timeline:")


with page.page_of_one_thing():
    visit = visits.get_visit(database, actor, visit_id=navigation.id_in_address())
st.title(f"Visit of {page.day_and_time(visit.at)}")
banner(visit.patient)
clinician = f"Seen by {page.plain(visit.clinician.full_name)}" if visit.clinician else "No clinician yet"
st.markdown(f"**{page.plain(visit.reason)}** · {clinician}")
if visit.notes:
    st.text(visit.notes)
if not visit.patient.photo_consent_on:
    st.warning(
        "This patient has not consented to photographs. Ask before you take any.", icon=":material/no_photography:"
    )
st.subheader("Add images")
uploads.add_waiting(visit)
add_images_section(visit)
uploads.tell_outcome(visit)

exports.visit_report(visit)
st.subheader("Images of this visit")
taken = visits.images_of_visit(database, actor, visit_id=visit.id)
if not taken:
    st.info("No image yet. Choose a lesion above and add one.", icon=":material/add_photo_alternate:")
for position, image in enumerate(reversed(taken)):
    image_row(image, expanded=position == 0)
corrections(visit, taken)
