"""Similar cases of the clinic beside an image: what they looked like, and what they turned out to be."""

import streamlit as st

from core.records import similar
from core.records.actor import Permission
from core.records.similar import SimilarCase
from core.records.tables import Image
from dashboard import navigation, page
from dashboard.components.reading import diagnosis_badge, thumbnail
from dashboard.session import workspace


@st.fragment
def similar_cases(image: Image) -> None:
    """The nearest cases, once they are asked for: the audit trail says whose charts they were out of."""
    actor = page.person()
    if not actor.may(Permission.DIAGNOSE) or not st.toggle("Similar cases of this clinic", key=f"similar:{image.id}"):
        return
    confirmed_only = st.checkbox("Only with a confirmed diagnosis", key=f"similar_confirmed:{image.id}")
    here = workspace()
    with page.errors_told():
        found = similar.similar_cases(
            here.database,
            actor,
            index=here.similar,
            model_version=here.reader.model_version,
            image_id=image.id,
            confirmed_only=confirmed_only,
        )
        st.caption(
            "Alike to the network, which knows nothing of the patient: a look at past cases, and not a diagnosis of "
            "this one."
        )
        if found.missing:
            st.info(
                f"{found.missing} images are still to be compared. Look again in a while.",
                icon=":material/hourglass_empty:",
            )
        if not found.cases:
            st.info("There is no other case to compare with yet.", icon=":material/image_search:")
        for start in range(0, len(found.cases), 4):
            for column, case in zip(st.columns(4), found.cases[start : start + 4], strict=False):
                with column, st.container(border=True):
                    _case(case)


def _case(case: SimilarCase) -> None:
    thumbnail(case.image)
    lesion = case.image.lesion
    navigation.link_to(navigation.LESION, f"**{lesion.label}** {lesion.place}", id=lesion.id)
    if case.same_patient:
        st.badge("The same patient", color="orange", icon=":material/person:")
    if case.diagnosis:
        diagnosis_badge(case.diagnosis)
        st.caption(case.diagnosis.confirm_type)
    else:
        st.caption("No diagnosis recorded")
    st.caption(f"Similarity {case.similarity:.2f} · {page.day(case.image.visit.at)}")
