"""The letter that goes with a referral: one HTML page without scripts or outside files, made to be printed."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.clinics.places import country_name
from core.records import clock, patients
from core.records.tables import Referral

# Everything that people typed is escaped, so that no name can bring markup along.
_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)


def letter(referral: Referral) -> str:
    """The letter as HTML; `referral` as `core.records.referrals.get_referral` answers it, with what belongs to it."""
    sent = referral.sent_at.astimezone()
    patient = referral.patient
    return _TEMPLATES.get_template("referral_letter.html").render(
        referral=referral,
        patient=patient,
        clinic=referral.clinic,
        country=country_name(referral.clinic.country),
        age=patients.age_in_years(patient.birth_date, sent.date()),
        sent_on=f"{sent:%-d %B %Y}",
        printed_on=f"{clock.now().astimezone():%-d %B %Y, %H:%M}",
    )
