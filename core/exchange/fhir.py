"""A patient's chart as one FHIR R5 Bundle (hl7.org/fhir/R5), of type collection.

| ours | FHIR | |
| --- | --- | --- |
| patient | Patient, Observation | skin type and history of melanoma are Observations |
| visit | Encounter | |
| lesion | BodyStructure | |
| image | DocumentReference | the kept WebP file, with the SHA-1 that FHIR asks for and our SHA-256 as identifier |
| reading | RiskAssessment | a percentage an outcome; performed by a Device, the model version; never a Condition |
| diagnosis | DiagnosticReport; Condition for the one in force | |
| recall | ServiceRequest | |
| clinician | Practitioner | the name alone |

Codes: FHIR's own required ones, HL7's v3-ActCode and condition code systems, and DICOM's modalities. Diagnoses and body
sites are text, in the ISIC archive's terms: there is no SNOMED CT in here, since nobody has checked a mapping.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from fhir.resources.bundle import Bundle

from core import taxonomy
from core.exchange.chart import Chart, LesionChart
from core.exchange.uids import uuid_of
from core.records import clock
from core.records.image_store import ImageStore
from core.records.tables import Diagnosis, Image, Recall, StoredReading, User, Visit
from core.records.terms import ConfirmType, ImageType
from core.vision.intake import MEDIA_TYPE

Resource = dict[str, Any]

NOT_A_DIAGNOSIS = "What a computer model said of one image: decision support, not a diagnosis."

_HL7 = "http://terminology.hl7.org/CodeSystem"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"


def bundle_of(chart: Chart, store: ImageStore, *, url_of: Callable[[Image], str] | None = None) -> Bundle:
    """The Bundle, validated by fhir.resources.

    The images are in it as data, unless `url_of` says where each of them lies beside it.
    Raises the image store's errors for a file that is missing or damaged.
    """
    entries = _Entries(chart, store, url_of)
    return Bundle.model_validate(
        {
            "resourceType": "Bundle",
            "type": "collection",
            "timestamp": _moment(clock.now()),
            "entry": [
                {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource} for resource in entries.resources()
            ],
        }
    )


class _Entries:
    """Makes the resources of one chart, which refer to each other by `urn:uuid:`."""

    def __init__(self, chart: Chart, store: ImageStore, url_of: Callable[[Image], str] | None) -> None:
        self.chart, self.store, self.url_of = chart, store, url_of
        self.patient = self._reference("patient", chart.patient.id)

    def resources(self) -> Iterator[Resource]:
        yield self._patient()
        yield from self._observations()
        yield from map(self._practitioner, self.chart.clinicians().values())
        yield from map(self._device, self._model_versions())
        yield from map(self._encounter, self.chart.visits)
        for lesion in self.chart.lesions:
            yield self._body_structure(lesion)
            for image in lesion.images:
                yield self._document(lesion, image)
                yield from (self._risk_assessment(image, reading) for reading in image.readings)
            yield from (self._report(lesion, diagnosis) for diagnosis in lesion.diagnoses)
            if lesion.diagnosis:
                yield self._condition(lesion, lesion.diagnosis)
            yield from (self._service_request(lesion, recall) for recall in lesion.recalls)

    def _id(self, kind: str, row_id: int) -> str:
        return str(uuid_of(kind, row_id, self.chart.patient.created_at))

    def _reference(self, kind: str, row_id: int) -> dict[str, str]:
        return {"reference": f"urn:uuid:{self._id(kind, row_id)}"}

    def _resource(self, resource_type: str, kind: str, row_id: int, **elements: Any) -> Resource:
        filled = {name: value for name, value in elements.items() if value is not None}
        return {"resourceType": resource_type, "id": self._id(kind, row_id), **filled}

    def _patient(self) -> Resource:
        patient = self.chart.patient
        contacts = [("phone", patient.phone), ("email", patient.email)]
        telecom = [{"system": system, "value": value} for system, value in contacts if value]
        number = {"type": _coded(f"{_HL7}/v2-0203", "MR", "Medical record number"), "value": patient.record_number}
        return self._resource(
            "Patient",
            "patient",
            patient.id,
            identifier=[number],
            name=[{"text": patient.name}],
            gender=str(patient.sex),
            birthDate=patient.birth_date.isoformat(),
            telecom=telecom or None,
        )

    def _observations(self) -> Iterator[Resource]:
        patient = self.chart.patient
        known: list[tuple[str, str, Any]] = []
        if patient.fitzpatrick_skin_type:
            kind = "Fitzpatrick skin type"
            known.append(("skin type", kind, {"valueCodeableConcept": _text(f"Type {patient.fitzpatrick_skin_type}")}))
        histories = [
            ("personal history", "Personal history of melanoma", patient.personal_hx_mm),
            ("family history", "Family history of melanoma", patient.family_hx_mm),
        ]
        known += [(key, code, {"valueBoolean": value}) for key, code, value in histories if value is not None]
        for key, code, value in known:
            yield self._resource(
                "Observation", key, patient.id, status="final", code=_text(code), subject=self.patient, **value
            )

    def _practitioner(self, user: User) -> Resource:
        return self._resource("Practitioner", "practitioner", user.id, name=[{"text": user.full_name}])

    def _model_versions(self) -> list[str]:
        return sorted({reading.model_version for image in self.chart.images() for reading in image.readings})

    def _device(self, model_version: str) -> Resource:
        elements = {"displayName": "DermTrail image reader", "type": [_text("Software: image classifier")]}
        device = self._resource("Device", f"model {model_version}", 0, **elements)
        return device | {"version": [{"value": model_version}]}

    def _encounter(self, visit: Visit) -> Resource:
        seen_by = [{"actor": self._reference("practitioner", visit.clinician.id)}] if visit.clinician else None
        ambulatory = _coded(f"{_HL7}/v3-ActCode", "AMB", "ambulatory")
        return self._resource("Encounter", "visit", visit.id, status="completed", subject=self.patient) | {
            "class": [ambulatory],
            "actualPeriod": {"start": _moment(visit.at)},
            "reason": [{"value": [{"concept": _text(visit.reason)}]}],
            **({"participant": seen_by} if seen_by else {}),
        }

    def _body_structure(self, lesion: LesionChart) -> Resource:
        row = lesion.lesion
        structure: dict[str, Any] = {"structure": _text(row.body_site)}
        if row.laterality:
            structure["laterality"] = _text(row.laterality)
        return self._resource(
            "BodyStructure",
            "lesion",
            row.id,
            patient=self.patient,
            identifier=[{"value": row.label}],
            morphology=_text("Skin lesion"),
            includedStructure=[structure],
            description=row.description,
        )

    def _document(self, lesion: LesionChart, image: Image) -> Resource:
        data = self.store.get(image.sha256)
        # FHIR's hash is the SHA-1 of the file, in base64: it tells a damaged copy, and guards against nobody.
        sha1 = hashlib.sha1(data, usedforsecurity=False).digest()
        attachment: dict[str, Any] = {
            "contentType": MEDIA_TYPE,
            "size": len(data),
            "hash": _base64(sha1),
            "width": image.width,
            "height": image.height,
            "creation": _moment(image.created_at),
            "title": f"{lesion.lesion.label}, {image.visit.at.astimezone():%Y-%m-%d}",
        }
        attachment |= {"url": self.url_of(image)} if self.url_of else {"data": _base64(data)}
        dermoscopy = image.image_type is ImageType.DERMOSCOPIC
        modality = ("DMS", "Dermoscopy") if dermoscopy else ("XC", "External-camera Photography")
        return self._resource(
            "DocumentReference",
            "image",
            image.id,
            status="current",
            identifier=[{"type": _text("SHA-256 of the file"), "value": image.sha256}],
            type=_text(image.image_type),
            modality=[_coded(_DICOM, *modality)],
            subject=self.patient,
            context=[self._reference("visit", image.visit_id)],
            bodySite=[{"reference": self._reference("lesion", image.lesion_id)}],
            date=_moment(image.created_at),
            content=[{"attachment": attachment}],
        )

    def _risk_assessment(self, image: Image, reading: StoredReading) -> Resource:
        # R5: "Decimal values are expressed as percentages", at most 100.
        predictions = [
            {"outcome": _text(taxonomy.term(name).isic), "probabilityDecimal": round(100 * value, 4)}
            for name, value in sorted(reading.probabilities.items(), key=lambda item: -item[1])
        ]
        flag = "Over" if reading.flagged else "Not over"
        said = f"{flag} the model's threshold; malignant or precancerous {100 * reading.malignant_probability:.2f} %."
        return self._resource(
            "RiskAssessment",
            "reading",
            reading.id,
            status="final",
            subject=self.patient,
            encounter=self._reference("visit", image.visit_id),
            occurrenceDateTime=_moment(reading.at),
            method=_text(f"Image classification by DermTrail's model {reading.model_version}"),
            performer=self._reference(f"model {reading.model_version}", 0),
            basis=[self._reference("image", image.id)],
            prediction=predictions,
            note=[{"text": NOT_A_DIAGNOSIS}, {"text": said}],
        )

    def _report(self, lesion: LesionChart, diagnosis: Diagnosis) -> Resource:
        notes = [diagnosis.notes] if diagnosis.notes else []
        if diagnosis is not lesion.diagnosis:
            notes.append("Superseded by a later diagnosis.")
        return self._resource(
            "DiagnosticReport",
            "diagnosis",
            diagnosis.id,
            status="final",
            code=_text(f"Diagnosis of lesion {lesion.lesion.label}: {diagnosis.confirm_type}"),
            subject=self.patient,
            issued=_moment(diagnosis.at),
            resultsInterpreter=[self._reference("practitioner", diagnosis.user_id)],
            conclusion=_isic(diagnosis.name),
            conclusionCode=[_text(_isic(diagnosis.name))],
            note=[{"text": note} for note in notes] or None,
        )

    def _condition(self, lesion: LesionChart, diagnosis: Diagnosis) -> Resource:
        proven = diagnosis.confirm_type is ConfirmType.HISTOPATHOLOGY
        return self._resource(
            "Condition",
            "condition",
            diagnosis.id,
            # Nobody records whether it has healed.
            clinicalStatus=_coded(f"{_HL7}/condition-clinical", "unknown", "Unknown"),
            verificationStatus=_coded(
                f"{_HL7}/condition-ver-status",
                "confirmed" if proven else "provisional",
                "Confirmed" if proven else "Provisional",
            ),
            code=_text(_isic(diagnosis.name)),
            bodySite=[_text(lesion.lesion.place)],
            subject=self.patient,
            recordedDate=_moment(diagnosis.at),
            evidence=[{"reference": self._reference("diagnosis", diagnosis.id)}],
            note=[{"text": f"Lesion {lesion.lesion.label}"}],
        )

    def _service_request(self, lesion: LesionChart, recall: Recall) -> Resource:
        return self._resource(
            "ServiceRequest",
            "recall",
            recall.id,
            status="completed" if recall.closed_at else "active",
            intent="plan",
            code={"concept": _text("Recall: look at the lesion again")},
            subject=self.patient,
            authoredOn=_moment(recall.set_at),
            occurrenceDateTime=recall.due_on.isoformat(),
            bodyStructure=self._reference("lesion", lesion.lesion.id),
            note=[{"text": recall.reason}] if recall.reason else None,
        )


def _isic(name: str) -> str:
    """The ISIC archive's term for a diagnosis, or the words the clinician wrote."""
    return next((term.isic for term in taxonomy.TERMS if term.name == name), name)


def _text(text: str) -> dict[str, Any]:
    return {"text": str(text)}


def _coded(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
