"""What a clinician decides about a lesion beside its diagnosis: the plan, and the checklists."""

import streamlit as st

from core.checklists import REFER_FROM, Advice, Colour, SevenPoint, Structure
from core.records import checklists, plans, visits
from core.records.actor import Permission
from core.records.tables import ChecklistScore, Lesion, Plan, Visit
from core.records.terms import Checklist, PlanKind
from dashboard import page

_ADVICE_COLOURS = {
    Advice.NO_REFERRAL_BY_SCORE: "gray",
    Advice.REFER: "red",
    Advice.BENIGN_BY_SCORE: "gray",
    Advice.SUSPICIOUS: "orange",
    Advice.HIGHLY_SUSPICIOUS: "red",
}

_PLAN_WORDS = {kind: kind[0].upper() + kind[1:] for kind in PlanKind} | {PlanKind.NONE: "Nothing more"}


def plan_section(lesion: Lesion) -> None:
    """What is to be done about the lesion, what was planned before, and the form for a new plan."""
    actor, database = page.person(), page.database()
    st.subheader("Plan")
    made = plans.plans_of(database, actor, lesion_id=lesion.id)
    awaited = plans.awaited_of(database, actor, lesion_id=lesion.id)
    if awaited:
        st.warning(f"The pathology result of the {awaited.kind} planned on {page.day(awaited.at)} has not come yet. "
                   "A diagnosis by histopathology closes it.", icon=":material/biotech:")  # fmt: skip
    if made:
        st.badge(f"Plan: {_PLAN_WORDS[made[0].kind]}", color="blue", icon=":material/assignment:")
        _who(made[0])
        for plan in made[1:]:
            st.markdown(f"~~{_PLAN_WORDS[plan.kind]}~~ (replaced)")
            _who(plan)
    else:
        st.caption("No plan has been made yet.")
    if actor.may(Permission.DIAGNOSE):
        _plan_form(lesion, awaited)


def _who(plan: Plan) -> None:
    withdrawn = ", the pathology result no longer awaited" if plan.withdraws_pathology else ""
    st.caption(page.plain(f"{plan.user.full_name}, {page.day(plan.at)}{withdrawn}"))
    if plan.notes:
        st.text(plan.notes)


def _plan_form(lesion: Lesion, awaited: Plan | None) -> None:
    form = f"plan:{lesion.id}"
    key = page.turn_key(form)
    with st.form(key):
        kind = st.selectbox(
            "Plan",
            list(PlanKind),
            None,
            placeholder="Choose",
            format_func=_PLAN_WORDS.__getitem__,
            help="A plan to recall sets the recall. “Nothing more” closes one that is open.",
            key=f"{key}:kind",
        )
        notes = st.text_input("Remark", max_chars=1000, key=f"{key}:notes")
        withdraws = bool(awaited) and st.checkbox(
            "The pathology result is no longer awaited", help="Such as a biopsy not done.", key=f"{key}:withdraws"
        )
        sent = st.form_submit_button("Set plan", type="primary", icon=":material/assignment:")
    if sent and kind is None:
        st.error("What is to be done? Choose a plan.", icon=":material/error:")
    elif sent:
        with page.errors_told():
            plans.set_plan(
                page.database(),
                page.person(),
                lesion_id=lesion.id,
                kind=kind,
                notes=notes,
                withdraws_pathology=withdraws,
            )
            page.next_turn(form)
            page.tell_next("The plan is set.")
            st.rerun()


def checklists_section(lesion: Lesion) -> None:
    """The lesion's scores by visit, and a form for each checklist."""
    actor, database = page.person(), page.database()
    st.subheader("Checklists")
    st.caption("Scored by the clinician's eye, without the model. A score is not a diagnosis.")
    scores = checklists.scores_of(database, actor, lesion_id=lesion.id)
    for score in scores:
        _score_row(score)
    if not scores:
        st.caption("No checklist has been filled in yet.")
    if not actor.may(Permission.DIAGNOSE):
        return
    held = visits.visits_of(database, actor, patient_id=lesion.patient_id)
    if not held:
        st.caption("A checklist belongs to a visit. Log one in the chart first.")
        return
    with st.expander(f"Score by the {Checklist.SEVEN_POINT}", icon=":material/checklist:"):
        _seven_point_form(lesion, held)
    with st.expander(f"Score by the {Checklist.ABCD}", icon=":material/checklist:"):
        _abcd_form(lesion, held)


def _score_row(score: ChecklistScore) -> None:
    advice = checklists.advice_of(score)
    name, shown = (
        ("TDS", f"{score.score:.2f}") if score.checklist is Checklist.ABCD else ("7-point", f"{score.score:.0f}")
    )
    st.badge(f"{name} {shown} · {advice}", color=_ADVICE_COLOURS[advice], icon=":material/checklist:")
    st.caption(page.plain(f"{score.user.full_name}, visit of {page.day(score.visit.at)}: {_answers(score)}"))


def _answers(score: ChecklistScore) -> str:
    answers = score.answers
    if score.checklist is Checklist.SEVEN_POINT:
        return ", ".join(answers["features"]) or "no feature"
    colours, structures = answers["colours"], answers["structures"]
    return (
        f"A {answers['asymmetry']}, B {answers['border']}, C {len(colours)} ({', '.join(colours)}), "
        f"D {len(structures)} ({', '.join(structures)})"
    )


def _visit_field(held: list[Visit], key: str) -> Visit:
    return st.selectbox(
        "Visit", held, format_func=lambda visit: f"{page.day(visit.at)} · {visit.reason}", key=f"{key}:visit"
    )


def _seven_point_form(lesion: Lesion, held: list[Visit]) -> None:
    form = f"seven:{lesion.id}"
    key = page.turn_key(form)
    with st.form(key, border=False):
        visit = _visit_field(held, key)
        st.caption(
            f"The first three give two points each, the others one. {REFER_FROM} or more warrant a referral "
            "(NICE NG12)."
        )
        features = [
            feature
            for feature in SevenPoint
            if st.checkbox(feature[0].upper() + feature[1:], key=f"{key}:{feature.name}")
        ]
        sent = st.form_submit_button("Record 7-point score", icon=":material/checklist:")
    if sent:
        with page.errors_told():
            checklists.score_seven_points(
                page.database(), page.person(), lesion_id=lesion.id, visit_id=visit.id, features=features
            )
            page.next_turn(form)
            page.tell_next("The score is recorded.")
            st.rerun()


def _abcd_form(lesion: Lesion, held: list[Visit]) -> None:
    form = f"abcd:{lesion.id}"
    key = page.turn_key(form)
    with st.form(key, border=False):
        visit = _visit_field(held, key)
        st.caption(
            "For melanocytic lesions. TDS = A × 1.3 + B × 0.1 + C × 0.5 + D × 0.5; from 4.75 suspicious, "
            "above 5.45 highly suspicious (Nachbar et al. 1994)."
        )
        asymmetry = st.selectbox("A: asymmetric in how many axes", [0, 1, 2], key=f"{key}:a")
        border = st.slider("B: abrupt border in how many eighths", 0, 8, key=f"{key}:b")
        colours = st.multiselect("C: colours", list(Colour), key=f"{key}:c")
        structures = st.multiselect("D: structures", list(Structure), key=f"{key}:d")
        sent = st.form_submit_button("Record ABCD score", icon=":material/checklist:")
    if sent:
        with page.errors_told():
            checklists.score_abcd(
                page.database(),
                page.person(),
                lesion_id=lesion.id,
                visit_id=visit.id,
                asymmetry=asymmetry,
                border=border,
                colours=colours,
                structures=structures,
            )
            page.next_turn(form)
            page.tell_next("The score is recorded.")
            st.rerun()
