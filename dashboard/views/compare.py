"""Two images of a lesion, one laid over the other: what has changed between them?"""

from collections.abc import Sequence

import streamlit as st

from core import taxonomy
from core.records import comparisons, lesions
from core.records.comparisons import Comparison
from core.records.tables import Image
from core.vision.registration import LEAST_QUALITY, HeldBy
from dashboard import navigation, page
from dashboard.components.banner import banner
from dashboard.components.compare import compare
from dashboard.session import workspace

# A correlation means little to most people; these words stand beside it.
QUALITY_WORDS = ((0.75, "very good"), (0.55, "good"), (LEAST_QUALITY, "fair"))

actor, database = page.person(), page.database()


def chosen_pair(found: Sequence[Image], lesion_id: int) -> tuple[Image, Image]:
    """The two images to compare, the first and the last unless somebody chooses others."""
    columns = st.columns(2)
    positions = [
        column.selectbox(
            label,
            range(len(found)),
            default,
            format_func=lambda index: f"{index + 1} · {page.day(found[index].visit.at)}",
            key=f"{label}:{lesion_id}:{len(found)}",
        )
        for column, label, default in zip(columns, ("First image", "Second image"), (0, len(found) - 1), strict=True)
    ]
    return found[positions[0]], found[positions[1]]


def chosen_class(pair: tuple[Image, Image]) -> str | None:
    """The class whose heat maps are shown on both, the leading one of the newest reading at first."""
    readings = [image.reading for image in pair if image.reading]
    if not readings:
        return None
    names = sorted(readings[-1].probabilities, key=lambda name: -readings[-1].probabilities[name])
    versions = {reading.model_version for reading in readings}
    name = st.selectbox("Heat maps of", names, format_func=lambda name: taxonomy.term(name).title)
    if len(versions) > 1:
        st.caption("The two readings are of different model versions, so their heat maps do not compare.")
    return name


def tell_fit(comparison: Comparison) -> None:
    """Say how well the images lie over each other, and by what."""
    fit = comparison.registration
    if not fit.accepted:
        st.warning(
            f"**These two images could not be aligned.** The best try had a quality of {fit.quality:.2f}, and at least "
            f"{LEAST_QUALITY:.2f} is needed. They are shown side by side as they were taken.",
            icon=":material/compare_arrows:",
        )
        return
    word = next(word for least, word in QUALITY_WORDS if fit.quality >= least)
    st.markdown(f"**Aligned by the {fit.held_by}** · quality of the fit {fit.quality:.2f} of 1, {word}")
    if fit.held_by is HeldBy.LESION:
        st.info(
            "The skin around shows too little to align by. The lesion's own size is evened out: growth cannot be told "
            "from a larger magnification here.",
            icon=":material/straighten:",
        )


with page.page_of_one_thing():
    lesion = lesions.get_lesion(database, actor, lesion_id=navigation.id_in_address())
st.title(f"Compare · Lesion {lesion.label}")
banner(lesion.patient)
navigation.link_to(navigation.LESION, f"{lesion.label} through time", id=lesion.id, icon=":material/arrow_back:")
found = lesions.images_of_lesion(database, actor, lesion_id=lesion.id)
if len(found) < 2:
    st.info("A comparison needs two images of this lesion.", icon=":material/add_photo_alternate:")
    st.stop()
pair = chosen_pair(found, lesion.id)
if pair[0].id == pair[1].id:
    st.info("Choose two different images.", icon=":material/info:")
    st.stop()
with page.errors_told():
    with st.spinner("Aligning the images"):
        comparison = comparisons.compare_images(
            database, actor, store=workspace().images, first_id=pair[0].id, second_id=pair[1].id
        )
    tell_fit(comparison)
    frame = st.container()
    name = chosen_class(pair)
    with frame:
        compare(comparison, class_name=name)
st.caption("An alignment moves pictures, not skin: light, pressure and stretch of the skin can look like change.")
