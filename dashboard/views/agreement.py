"""How good is the model here: its readings against what was confirmed, over the clinic's own cases."""

import altair as alt
import pandas as pd
import streamlit as st

from core import taxonomy
from core.proportion import Proportion
from core.records import agreement
from core.records.agreement import TOO_FEW, Agreement, Case, Per
from dashboard import navigation, page

WHAT_COUNTS = """
- **Confirmed** are diagnoses by histopathology, by serial imaging showing no change, and by confocal microscopy with
  consensus dermoscopy. Clinical assessments, and the consensus over a single image, do not count: they may have been
  made with the reading in view.
- A **case** is the newest reading before the confirmed diagnosis, of the lesion or of each of its images.
- **Sensitivity**: flagged, of those confirmed as malignant or indeterminate. **Specificity**: not flagged, of those
  confirmed as benign. The intervals are Wilson's, at 95 %. Images of one lesion resemble one another: per image the
  intervals are too narrow.
- Lesions that nobody doubted are seldom confirmed, and the model has a part in who doubts. These figures are about the
  lesions that were confirmed here, not about all that are looked at.
"""

actor, database = page.person(), page.database()


def share_metric(column: st.delta_generator.DeltaGenerator, label: str, share: Proportion) -> None:
    with column:
        if share.value is None:
            st.metric(label, "–", border=True)
            st.caption("No case yet.")
            return
        st.metric(label, f"{share.value:.0%}", border=True)
        few = f" **Too few cases** to judge by (under {TOO_FEW})." if share.of < TOO_FEW else ""
        st.caption(f"{share.count} of {share.of}, 95 % interval {share.low:.0%} to {share.high:.0%}.{few}")


def confusion(found: Agreement) -> None:
    st.subheader("Confirmed diagnosis against leading class")
    names = [term.name for term in taxonomy.TERMS]
    counts = found.confusion
    rows = [
        {
            "confirmed": taxonomy.term(truth).title,
            "leading class": taxonomy.term(said).title,
            "cases": counts[truth, said],
            "same": truth == said,
        }
        for truth in names
        for said in names
    ]
    titles = [taxonomy.term(name).title for name in names]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X(
            "leading class:N",
            sort=titles,
            axis=alt.Axis(orient="top", labelAngle=-40, labelLimit=200, labelOverlap=False),
        ),
        y=alt.Y("confirmed:N", sort=titles, axis=alt.Axis(labelLimit=200)),
    )
    most = max(1, *counts.values())
    shade = alt.Color("same:N", scale=alt.Scale(domain=[True, False], range=["#0f766e", "#b42318"]), legend=None)
    # Never so faint that the white number could not be read.
    strength = alt.Opacity("cases:Q", scale=alt.Scale(domain=[0, most], range=[0.75, 1]), legend=None)
    some = base.transform_filter("datum.cases > 0")
    cells = base.mark_rect(fill=None, stroke="#8884") + some.mark_rect().encode(
        color=shade, opacity=strength, tooltip=["confirmed:N", "leading class:N", "cases:Q"]
    )
    texts = some.mark_text(color="white", fontWeight="bold").encode(text="cases:Q")
    spoken = "; ".join(f"{truth} read as {said}: {number}" for (truth, said), number in sorted(counts.items()))
    st.altair_chart((cells + texts).properties(height=430), width="stretch", alt=f"Confusion matrix. {spoken}")
    with st.expander("The share named right, by diagnosis"):
        st.dataframe(
            [_of_class(found.cases, name) for name in names if any(c.truth == name for c in found.cases)],
            hide_index=True,
        )


def _of_class(cases: list[Case], name: str) -> dict[str, object]:
    of_class = [case for case in cases if case.truth == name]
    share = Proportion(sum(case.prediction == name for case in of_class), len(of_class))
    return {
        "Confirmed diagnosis": taxonomy.term(name).title,
        "Cases": share.of,
        "Named right": f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%})",
        "Flagged": f"{sum(case.flagged for case in of_class)} of {share.of}",
        "": "too few cases" if share.of < TOO_FEW else "",
    }


def calibration(cases: list[Case]) -> None:
    st.subheader("Calibration")
    st.caption(
        "Malignant or precancerous: what the model said on average, against how many were. On the line both agree."
    )
    rows = [
        {
            "said": found.said,
            "were": found.observed.value,
            "low": found.observed.low,
            "high": found.observed.high,
            "cases": found.observed.of,
        }
        for found in agreement.calibration(cases)
    ]
    percent = alt.Axis(format="%")
    whole = alt.Scale(domain=[0, 1])
    base = alt.Chart(pd.DataFrame(rows)).encode(x=alt.X("said:Q", scale=whole, axis=percent, title="the model said"))
    bars = base.mark_rule(color="#14978a").encode(
        y=alt.Y("low:Q", scale=whole, axis=percent, title="were"), y2="high:Q"
    )
    points = base.mark_point(filled=True, size=80, color="#14978a").encode(
        y="were:Q", tooltip=[alt.Tooltip("said:Q", format=".0%"), alt.Tooltip("were:Q", format=".0%"), "cases:Q"]
    )
    line = alt.Chart(pd.DataFrame({"said": [0, 1], "were": [0, 1]})).mark_line(strokeDash=[4, 4], color="gray")
    spoken = "; ".join(f"said {row['said']:.0%}, were {row['were']:.0%} of {row['cases']}" for row in rows)
    st.altair_chart(
        (line.encode(x="said:Q", y="were:Q") + bars + points).properties(height=300),
        width="stretch",
        alt=f"Calibration: {spoken}",
    )
    if any(row["cases"] < TOO_FEW for row in rows):
        st.caption(f"Some points stand for fewer than {TOO_FEW} cases: too few to judge by.")


def drift(cases: list[Case]) -> None:
    st.subheader("Month by month")
    st.caption("By the month of the reading. A month with few cases says little: look at the intervals.")
    rows = [
        {
            "month": f"{month:%Y-%m}",
            "figure": figure,
            "share": share.value,
            "low": share.low,
            "high": share.high,
            "cases": share.of,
        }
        for month, found in agreement.by_month(cases)
        for figure, share in (("sensitivity", found.sensitivity), ("specificity", found.specificity))
        if share.value is not None
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("month:O", title=None),
        xOffset="figure:N",
        color=alt.Color("figure:N", legend=alt.Legend(orient="bottom", title=None)),
    )
    scale, axis = alt.Scale(domain=[0, 1]), alt.Axis(format="%")
    bars = base.mark_rule().encode(y=alt.Y("low:Q", scale=scale, axis=axis, title="share"), y2="high:Q")
    points = base.mark_point(filled=True, size=70).encode(
        y="share:Q", tooltip=["month:O", "figure:N", alt.Tooltip("share:Q", format=".0%"), "cases:Q"]
    )
    spoken = "; ".join(f"{row['month']} {row['figure']} {row['share']:.0%} of {row['cases']}" for row in rows)
    st.altair_chart((bars + points).properties(height=260), width="stretch", alt=f"By month: {spoken}")
    if any(row["cases"] < TOO_FEW for row in rows):
        st.caption(f"Months with fewer than {TOO_FEW} cases are too few to judge by on their own.")


def missed_section(missed: list[Case]) -> None:
    st.subheader(f"Malignant or indeterminate, and not flagged: {len(missed)}")
    for case in missed[:20]:
        with st.container(horizontal=True, vertical_alignment="center"):
            navigation.link_to(navigation.LESION, f"{case.lesion_label} · {case.truth}", id=case.lesion_id)
            st.caption(
                f"read as {case.prediction}, malignant {case.malignant_probability:.0%}, {page.day(case.read_at)}",
                width="content",
            )
    if len(missed) > 20:
        st.caption("The 20 latest are shown.")


st.title("Agreement")
st.caption("How far the model's readings agree with what was confirmed, over this clinic's own cases.")
with page.page_of_one_thing():
    everything = agreement.confirmed_cases(database, actor)
with st.expander("What counts", icon=":material/info:"):
    st.markdown(WHAT_COUNTS)
versions = [version for version, _ in everything.versions.most_common()]
if not versions:
    st.info(
        "There is no case yet: a lesion with a reading, and after it a confirmed diagnosis.", icon=":material/balance:"
    )
    st.stop()
left, right = st.columns(2)
version = left.selectbox(
    "Model version",
    [*versions, None],
    format_func=lambda one: f"{one} ({everything.versions[one]} lesions)" if one else "All versions together",
    key="version",
)
per = right.segmented_control(
    "Count", list(Per), default=Per.LESION, required=True, format_func=lambda one: f"per {one}", key="per"
)
chosen = agreement.confirmed_cases(database, actor, per=per, model_version=version)
if version is None and len(versions) > 1:
    st.warning(
        f"These figures mix readings of {len(versions)} model versions, which do not compare. They say what the clinic "
        "was shown, and not how good any one model is.",
        icon=":material/warning:",
    )
found = Agreement(chosen.cases)
columns = st.columns(3)
share_metric(columns[0], "Sensitivity", found.sensitivity)
share_metric(columns[1], "Specificity", found.specificity)
share_metric(columns[2], "Leading class right", found.same_class)
st.caption(
    f"Left out: {chosen.no_reading} lesions without such a reading before the confirmed diagnosis, "
    f"{chosen.other_names} with a confirmed diagnosis that is none of the model's nine."
)
confusion(found)
left, right = st.columns(2, gap="large")
with left:
    calibration(chosen.cases)
with right:
    drift(chosen.cases)
missed_section(found.missed)
