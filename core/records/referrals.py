"""Referrals: send a patient on to a clinic of the directory, and follow what comes of it."""

from sqlalchemy import case, select
from sqlalchemy.orm import joinedload

from core.errors import Conflict, Invalid, NotFound
from core.records import audit, clock, texts
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.tables import Clinic, Lesion, Patient, Referral
from core.records.terms import ReferralState

LONGEST_REASON = 2000

_NEXT = {
    ReferralState.SENT: (ReferralState.SEEN, ReferralState.CLOSED),
    ReferralState.SEEN: (ReferralState.CLOSED,),
    ReferralState.CLOSED: (),
}
_WITH = (
    joinedload(Referral.patient),
    joinedload(Referral.clinic),
    joinedload(Referral.user),
    joinedload(Referral.lesion),
)


@requires(Permission.DIAGNOSE)
def refer(
    database: Database,
    actor: Actor,
    *,
    patient_id: int,
    clinic_id: int,
    reason: str,
    urgent: bool = False,
    lesion_id: int | None = None,
) -> Referral:
    """Refer a patient, or one lesion of theirs, to a clinic. Raises Invalid, NotFound, Conflict."""
    lines = texts.notes(reason, field="reason", longest=LONGEST_REASON)
    if lines is None:
        raise Invalid("Why is the patient referred? The reason is missing.", field="reason")
    with database.writing() as session:
        # The lock on the patient keeps two clicks at one moment from sending two referrals.
        if session.get(Patient, patient_id, with_for_update=True) is None:
            raise NotFound("There is no such patient.")
        clinic = session.get(Clinic, clinic_id)
        if clinic is None or clinic.retired_at is not None:
            raise NotFound("There is no such clinic in the directory.")
        lesion = session.get(Lesion, lesion_id) if lesion_id is not None else None
        if lesion_id is not None and (lesion is None or lesion.patient_id != patient_id):
            raise NotFound("The patient has no such lesion.")
        open_there = select(Referral.id).where(
            Referral.patient_id == patient_id,
            Referral.clinic_id == clinic_id,
            Referral.lesion_id == lesion_id if lesion_id is not None else Referral.lesion_id.is_(None),
            Referral.state != ReferralState.CLOSED,
        )
        if session.scalar(open_there.limit(1)) is not None:
            raise Conflict("There is a referral to this clinic already that is not closed.")
        referral = Referral(
            patient_id=patient_id,
            clinic_id=clinic_id,
            user_id=actor.account(),
            lesion_id=lesion_id,
            reason=lines,
            urgent=urgent,
            state=ReferralState.SENT,
            sent_at=clock.now(),
        )
        session.add(referral)
        session.flush()
        audit.record(
            session, actor, "referral.send", subject_type="referral", subject_id=referral.id, patient_id=patient_id
        )
    return referral


@requires(Permission.WRITE_CHART)
def move_referral(database: Database, actor: Actor, *, referral_id: int, state: ReferralState) -> Referral:
    """Note that the patient was seen there, or that the referral is closed. Raises NotFound, Conflict."""
    with database.writing() as session:
        referral = session.get(Referral, referral_id, with_for_update=True)
        if referral is None:
            raise NotFound("There is no such referral.")
        if state not in _NEXT[referral.state]:
            raise Conflict(f"The referral is {referral.state} already.")
        referral.state = state
        if state is ReferralState.SEEN:
            referral.seen_at = clock.now()
        else:
            referral.closed_at = clock.now()
        audit.record(
            session,
            actor,
            f"referral.{state}",
            subject_type="referral",
            subject_id=referral.id,
            patient_id=referral.patient_id,
        )
    return referral


@requires(Permission.READ_CHART)
def referrals_of(database: Database, actor: Actor, *, patient_id: int) -> list[Referral]:
    """A patient's referrals with clinic, lesion and who sent them: open ones first, then the newest."""
    closed_last = case((Referral.state == ReferralState.CLOSED, 1), else_=0)
    query = select(Referral).where(Referral.patient_id == patient_id).options(*_WITH)
    with database.reading() as session:
        return list(session.scalars(query.order_by(closed_last, Referral.id.desc())))


@requires(Permission.READ_CHART)
def take_out(database: Database, actor: Actor, *, referral_id: int) -> Referral:
    """One referral with patient, clinic, lesion and who sent it, for its letter; it is noted. Raises NotFound."""
    with database.writing() as session:
        referral = session.scalar(select(Referral).where(Referral.id == referral_id).options(*_WITH))
        if referral is None:
            raise NotFound("There is no such referral.")
        audit.record(
            session,
            actor,
            "referral.letter",
            subject_type="referral",
            subject_id=referral_id,
            patient_id=referral.patient_id,
        )
    return referral
