"""Everything of one patient in one archive, for whoever asks for their own records (GDPR articles 15 and 20).

index.html      what there is, to be read in a browser
report.pdf      the chart as the clinic prints it
fhir.json       the chart as a FHIR R5 Bundle, which names the images beside it
images/         every image as it is kept
records.json    every row of every table that is this patient's, as it is kept
"""

import base64
import json
from collections.abc import Iterator
from datetime import date, datetime
from html import escape
from typing import Any

from sqlalchemy import select

from core.exchange.chart import Chart
from core.exchange.fhir import NOT_A_DIAGNOSIS, bundle_of
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.ownership import owned_rows
from core.records.tables import Image

_STYLE = "body{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}img{width:12rem}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}"  # noqa: E501 - a style sheet


def archive_files(chart: Chart, database: Database, store: ImageStore, *, report: bytes) -> Iterator[tuple[str, bytes]]:
    """The files by name; `report` is the PDF."""
    yield "index.html", _index(chart).encode()
    yield "report.pdf", report
    yield "fhir.json", bundle_of(chart, store, url_of=image_name).model_dump_json(indent=1).encode()
    yield "records.json", json.dumps(_records(database, chart.patient.id), indent=1, default=_plain).encode()
    for image in chart.images():
        yield image_name(image), store.get(image.sha256)


def image_name(image: Image) -> str:
    """Where an image lies in the archive."""
    return f"images/{image.lesion.label}_{image.visit.at.astimezone():%Y-%m-%d}_{image.id}.webp"


def _records(database: Database, patient_id: int) -> dict[str, list[dict[str, Any]]]:
    with database.reading() as session:
        return {
            table.name: [dict(row) for row in session.execute(select(table).where(owned)).mappings()]
            for table, owned in owned_rows(patient_id).items()
        }


def _plain(value: object) -> str:
    """What JSON has no form for: days and moments as ISO 8601 writes them, bytes in base64."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value)


def _index(chart: Chart) -> str:
    patient = chart.patient
    facts = {
        "Record number": patient.record_number,
        "Date of birth": f"{patient.birth_date:%-d %b %Y}",
        "Sex": patient.sex,
        "Visits": len(chart.visits),
        "Lesions": len(chart.lesions),
        "Images": sum(1 for _ in chart.images()),
    }
    return "\n".join(
        [
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(patient.name)}</title>",
            f"<style>{_STYLE}</style><h1>{escape(patient.name)}</h1><table>",
            *(f"<tr><th>{label}<td>{escape(str(value))}" for label, value in facts.items()),
            "</table><h2>Files</h2><ul>",
            "<li><a href=report.pdf>report.pdf</a>: the chart as the clinic prints it",
            "<li><a href=fhir.json>fhir.json</a>: the same for another clinic’s software (HL7 FHIR R5)",
            "<li><a href=records.json>records.json</a>: every row that the clinic keeps about you",
            "</ul><h2>Visits</h2><ul>",
            *(f"<li>{visit.at.astimezone():%-d %b %Y, %H:%M}: {escape(visit.reason)}" for visit in chart.visits),
            f"</ul><h2>Lesions</h2><p>A reading is {escape(NOT_A_DIAGNOSIS[0].lower() + NOT_A_DIAGNOSIS[1:])}",
            *(_lesion(lesion.lesion.label + " " + lesion.lesion.place, lesion.images) for lesion in chart.lesions),
            "</html>",
        ]
    )


def _lesion(title: str, images: list[Image]) -> str:
    pictures = "".join(
        f"<a href='{escape(image_name(image))}'><img src='{escape(image_name(image))}' "
        f"alt='{image.visit.at.astimezone():%-d %b %Y}'></a> "
        for image in images
    )
    return f"<h3>{escape(title)}</h3><p>{pictures or 'No image.'}"
