"""Two explanations of a reading side by side: what the model attended to, found in two ways."""

from collections.abc import Callable

import streamlit as st
from PIL import Image as Picture

from core import taxonomy
from core.records import readings
from core.records.explanations import OTHER_MODEL, can_explain, explain_reading
from core.records.tables import StoredReading
from core.vision import heat_map
from core.vision.explain import WHAT_IT_SHOWS, Method
from core.vision.explainer import Explanation, Step
from dashboard import page
from dashboard.session import workspace

REMINDER = "A heat map shows what the model attended to, not where a lesion ends, and not whether the model is right."

_SLOW = {Method.SCORE_CAM, Method.LIME, Method.SHAP}
_KEPT = "explanations"
_SIDES = {"first": Method.GRAD_CAM, "second": Method.LAYER_CAM}


@st.fragment
def explanations(reading: StoredReading, pixels: Callable[[], Picture.Image]) -> None:
    """The choice of a class and two methods, and their heat maps over the image that `pixels` gives.

    What was computed is kept for the browser's session. Any click while it is being computed ends that.
    """
    if not st.toggle("Compare explanations", key=f"explain:{reading.id}"):
        return
    possible = list(Method) if can_explain(reading, workspace().reader) else [Method.GRAD_CAM]
    if len(possible) == 1:
        st.info(OTHER_MODEL, icon=":material/history:")
    classes = sorted(reading.probabilities, key=lambda name: -reading.probabilities[name])
    name = st.selectbox(
        "Explain the class", classes, format_func=lambda name: taxonomy.term(name).title, key=f"explained:{reading.id}"
    )
    missing = []
    columns = st.columns(2, gap="large") if len(possible) > 1 else [st.container()]
    for column, (side, default) in zip(columns, _SIDES.items(), strict=False):
        with column:
            chosen = st.selectbox(
                f"Method, {side}", possible, possible.index(default), key=f"method:{side}:{reading.id}"
            )
            if not _shown(reading, chosen, name, pixels()) and chosen not in missing:
                missing.append(chosen)
    if missing:
        _offer(reading, missing, name)
    st.caption(REMINDER)


def _shown(reading: StoredReading, method: Method, name: str, pixels: Picture.Image) -> bool:
    """Show the heat map where there is one already; whether there is."""
    found = _found(reading, method, name)
    if found is not None:
        heat, took = found
        title = taxonomy.term(name).title
        st.image(heat_map.overlay(pixels, heat), width="stretch", alt=f"{method} of {title} over the image")
        if not heat.any():
            st.markdown(f"**Nothing in the image speaks for {title}**, as {method} sees it.")
    else:
        st.image(pixels, width="stretch", alt="The image, without a heat map")
        took = "Not computed yet." + (" This one takes a while." if method in _SLOW else "")
    st.caption(f"{WHAT_IT_SHOWS[method]} {took}")
    return found is not None


def _found(reading: StoredReading, method: Method, name: str) -> tuple[heat_map.HeatMap, str] | None:
    """A heat map, and a sentence on where it comes from; None where it has to be computed first."""
    if method is Method.GRAD_CAM:
        return readings.heat_map_of(reading, name), "Kept with the reading."
    kept: Explanation | None = _kept().get((reading.id, method, name))
    return kept and (kept.heat_map, f"Computed in {kept.seconds:.1f} s.")


def _kept() -> dict[tuple[int, Method, str], Explanation]:
    kept: dict[tuple[int, Method, str], Explanation] = st.session_state.setdefault(_KEPT, {})
    return kept


def _offer(reading: StoredReading, missing: list[Method], name: str) -> None:
    words = f"Compute {' and '.join(missing)}"
    asked = st.button(words, type="primary", icon=":material/neurology:", key=f"compute:{reading.id}:{name}:{words}")
    if not asked:
        return
    st.button("Stop", icon=":material/stop_circle:", key=f"stop:{reading.id}")
    here = workspace()
    with page.errors_told():
        for method in missing:
            bar = st.progress(0.0, f"{method}: {Step.STARTING}")

            def progress(step: Step, share: float, method: Method = method, bar: object = bar) -> None:
                bar.progress(share, f"{method}: {step}")

            _kept()[reading.id, method, name] = explain_reading(
                here.database,
                page.person(),
                store=here.images,
                reader=here.reader,
                explainer=here.explainer,
                reading_id=reading.id,
                method=method,
                class_name=name,
                progress=progress,
            )
        st.rerun()
