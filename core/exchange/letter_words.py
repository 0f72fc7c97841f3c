"""What the letters say, to patients and to colleagues. In braces stands what a letter puts in."""

from core.guidance.sentences import Sentence, Source
from core.records.terms import BodySite, Laterality, Sex

TITLE = "Letter"
REFERENCE = "Our reference: {number}"

DEAR_PATIENT = "Dear {name},"
OVERDUE = "We asked you to come back to us by {date} so that we could look at your skin again."
DUE = "It is time for us to look at your skin again. Please come to us on or about {date}."
WHY = Sentence("Change over time tells us more than a single look can.", Source.AAD)
APPOINTMENT = "Please call us to arrange an appointment, and bring this letter with you."
DO_NOT_WAIT = Sentence(
    "If you notice that a spot on your skin grows, changes in shape or colour, itches or bleeds, please do not wait "
    "for the appointment and call us at once.",
    Source.AAD,
)
ELSEWHERE = "If you have moved, or are looked after elsewhere, please let us know."
REGARDS = "With kind regards,"

REFERRAL = "Referral to dermatology or oncology"
URGENT = "Urgent"
DEAR_COLLEAGUE = "Dear colleague,"
PLEASE_SEE = "please see this patient:"
NAME = "Name"
BIRTH_DATE = "Date of birth"
AGE = "Age in years"
SEX = "Sex"
RECORD_NUMBER = "Our record number"
PHONE = "Phone"
LESION = "Lesion"
REASON = "Reason"
TELL_US = "Please let us know what you find."
CONFIDENTIAL = "Confidential medical information. Printed on {date}."

SEXES = tuple(sex.value for sex in Sex)
BODY_SITES = tuple(site.value for site in BodySite)
SIDES = tuple(side.value for side in Laterality)
"""The terms of the records that the letters name."""
