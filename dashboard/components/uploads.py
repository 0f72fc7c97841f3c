"""The images on their way into one visit: what waits to be added, what is held back, what went wrong.

It lives in the browser session under the visit's id, so that a click during an upload interrupts nothing for good: the
page that comes next goes on where it was. What belongs to one visit never shows in another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import streamlit as st

from core.errors import DermTrailError, LikelyDuplicate, OtherPatient
from core.records import images, patients
from core.records.tables import Visit
from core.records.terms import ImageType
from dashboard import navigation, page
from dashboard.session import workspace


@dataclass(frozen=True)
class Upload:
    """One file for one lesion.

    `others` are the patients whose charts hold the same image, once that is known; `names_other` says that it is a
    DICOM file that does not name the visit's patient. Whoever lets it in after that has been told.
    """

    name: str
    data: bytes
    lesion_id: int
    image_type: ImageType
    others: tuple[int, ...] = ()
    names_other: bool = False


@dataclass
class Uploads:
    """All uploads of one visit in one browser session."""

    waiting: list[Upload] = field(default_factory=list)
    held: list[Upload] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    added: int = 0


def uploads_of(visit: Visit) -> Uploads:
    """The uploads of a visit."""
    found: Uploads = st.session_state.setdefault(f"uploads:{visit.id}", Uploads())
    return found


def enqueue(visit: Visit, files: Sequence[tuple[str, bytes]], *, lesion_id: int, image_type: ImageType) -> None:
    """Put files, as name and content, behind those that wait."""
    uploads = uploads_of(visit)
    uploads.problems.clear()
    uploads.waiting += [Upload(name, data, lesion_id, image_type) for name, data in files]


def add_waiting(visit: Visit) -> None:
    """Add all that waits, with progress; then say what came of it."""
    uploads = uploads_of(visit)
    count = len(uploads.waiting)
    if not count:
        return
    progress = st.progress(0.0, "Reading the images")
    while uploads.waiting:
        # No call of Streamlit's, which may end this run, stands between adding a file and taking it off the list.
        _add(visit, uploads, uploads.waiting[0])
        uploads.waiting.pop(0)
        done = count - len(uploads.waiting)
        progress.progress(done / count, f"{done} of {count}")
    if uploads.added:
        page.tell_next(f"{uploads.added} image{'' if uploads.added == 1 else 's'} added and read.")
        uploads.added = 0
    st.rerun()


def tell_outcome(visit: Visit) -> None:
    """Show what went wrong, and ask about what is held back."""
    uploads = uploads_of(visit)
    for problem in uploads.problems:
        st.error(page.plain(problem), icon=":material/broken_image:")
    for position, held in enumerate(list(uploads.held)):
        _ask_about(visit, uploads, held, key=f"{visit.id}:{position}:{len(uploads.held)}")


def _add(visit: Visit, uploads: Uploads, upload: Upload) -> None:
    try:
        _take_in(visit, upload)
        uploads.added += 1
    except LikelyDuplicate as duplicate:
        uploads.held.append(replace(upload, others=tuple(duplicate.candidates)))
    except OtherPatient:
        uploads.held.append(replace(upload, names_other=True))
    except DermTrailError as error:
        uploads.problems.append(f"{upload.name}: {error}")


def _take_in(visit: Visit, upload: Upload) -> None:
    here = workspace()
    place = {"visit_id": visit.id, "lesion_id": upload.lesion_id, "although_elsewhere": bool(upload.others)}
    if upload.data[128:132] != b"DICM":
        kind = upload.image_type
        images.add_image(here.database, page.person(), intake=here.intake, data=upload.data, image_type=kind, **place)
        return
    # Its library takes a second to load, and few files are of this kind.
    from core.exchange.dicom_import import import_dicom  # noqa: PLC0415

    sure = upload.names_other
    import_dicom(
        here.database, page.person(), intake=here.intake, data=upload.data, although_other_patient=sure, **place
    )


def _ask_about(visit: Visit, uploads: Uploads, held: Upload, *, key: str) -> None:
    with st.container(border=True):
        wrong = "is already in the chart of another patient" if held.others else "names another patient, or nobody"
        st.error(
            f"**{page.plain(held.name)} {wrong}. It was not added.** Make sure that you are in the right chart.",
            icon=":material/person_alert:",
        )
        here = workspace()
        for other in patients.patients_by_id(here.database, page.person(), patient_ids=list(held.others)):
            label = f"{page.plain(other.name)} · No. {page.plain(other.record_number)}"
            navigation.link_to(navigation.PATIENT, label, id=other.id)
        discard, store = st.columns(2)
        if discard.button("Discard", key=f"discard:{key}", type="primary"):
            uploads.held.remove(held)
            st.rerun()
        if store.button(
            "It belongs here too: add it" if held.others else "It belongs here: add it", key=f"store:{key}"
        ):
            uploads.held.remove(held)
            _add(visit, uploads, held)
            st.rerun()
