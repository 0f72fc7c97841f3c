"""Recalls as a calendar file (iCalendar, RFC 5545)."""

from collections.abc import Sequence
from datetime import timedelta

from icalendar import Calendar, Event

from core.records.tables import Recall

MIME = "text/calendar"


def recall_calendar(recalls: Sequence[Recall]) -> bytes:
    """A calendar with one whole-day event a recall; they come with lesion and patient.

    Calendars are copied to telephones and other people's servers, so an event names the record number and the lesion,
    and neither the patient nor the reason. A recall keeps its UID: a file that is read again changes its event.
    """
    calendar = Calendar()  # type: ignore[no-untyped-call]
    calendar.add("prodid", "-//DermTrail//Recalls//EN")
    calendar.add("version", "2.0")
    for recall in recalls:
        event = Event()  # type: ignore[no-untyped-call]
        event.add("uid", f"recall-{recall.id}@dermtrail")
        event.add("dtstamp", recall.set_at)
        event.add("dtstart", recall.due_on)
        event.add("dtend", recall.due_on + timedelta(days=1))
        event.add("summary", f"Recall: No. {recall.lesion.patient.record_number}, {recall.lesion.label}")
        event.add("class", "PRIVATE")
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
