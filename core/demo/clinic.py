"""Fill an empty data folder with a clinic that never was: synthetic people, visits, drawn lesions that change."""

import io
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np

from core import taxonomy
from core.body_map import Place
from core.demo.lesion_images import FAMILIAR, draw_lesion
from core.errors import Conflict
from core.records import clock, images, judgements, lesions, patients, plans, users, visits
from core.records.actor import OPERATOR, Actor
from core.records.patients import PatientDetails
from core.records.tables import Lesion, Recall, StateOfLesion, Visit
from core.records.terms import (
    BodySite,
    BodyView,
    ConfirmType,
    FitzpatrickSkinType,
    ImageType,
    Laterality,
    LesionState,
    PlanKind,
    Role,
    Sex,
)
from core.workspace import Workspace

SEED = 20_260

PEOPLE = (
    ("Asha Raman", Sex.FEMALE),
    ("Björn Lindqvist", Sex.MALE),
    ("Carmen Ortega", Sex.FEMALE),
    ("Daniel Okafor", Sex.MALE),
    ("Elif Yıldız", Sex.FEMALE),
    ("Farid Haddad", Sex.MALE),
    ("Grace Whitfield", Sex.FEMALE),
    ("Hiroshi Tanaka", Sex.MALE),
    ("Ines Carvalho", Sex.FEMALE),
    ("Jakub Nowak", Sex.MALE),
    ("Kavya Menon", Sex.FEMALE),
    ("Liam Gallagher-Byrne", Sex.MALE),
    ("Meera Iyer", Sex.FEMALE),
    ("Nils Aaberg", Sex.MALE),
    ("Olga Petrova", Sex.FEMALE),
    ("Pedro Álvarez", Sex.MALE),
    ("Quinn Harper", Sex.OTHER),
    ("Rosa Bianchi", Sex.FEMALE),
)

PLACES = (
    (BodySite.TRUNK, Laterality.LEFT, "below the shoulder blade", Place(BodyView.BACK, 0.42, 0.31)),
    (BodySite.HEAD_AND_NECK, Laterality.RIGHT, "temple", Place(BodyView.HEAD, 0.28, 0.67)),
    (BodySite.UPPER_EXTREMITY, Laterality.LEFT, "forearm", Place(BodyView.FRONT, 0.776, 0.43)),
    (BodySite.LOWER_EXTREMITY, Laterality.RIGHT, "calf", Place(BodyView.BACK, 0.6, 0.767)),
    (BodySite.TRUNK, Laterality.MIDLINE, "lower back", Place(BodyView.BACK, 0.5, 0.372)),
)

PICTURE_SIDE = 384
"""In pixels: enough to look at, and drawn in half the time that 512 take."""

GROWTH_A_VISIT = {"melanoma": 1.12, "basal cell carcinoma": 1.06}
"""How much a lesion grows from one visit to the next; the other kinds stay as they are."""


@dataclass(frozen=True)
class DemoAccount:
    """An account of the demonstration, with the password that was made up for this one."""

    name: str
    role: Role
    password: str


def add_accounts(workspace: Workspace) -> list[DemoAccount]:
    """One account for each role, with new passwords. Raises Conflict where the clinic has patients already."""
    if patients.latest_patients(workspace.database, OPERATOR, limit=1):
        raise Conflict("There are patients here already; the demonstration needs an empty data folder.")
    names = {Role.STAFF: "Sam Staff", Role.CLINICIAN: "Dr Clara Clinician", Role.ADMINISTRATOR: "Ada Administrator"}
    accounts = [DemoAccount(str(role), role, secrets.token_urlsafe(9)) for role in Role]
    for account in accounts:
        users.add_user(
            workspace.database,
            OPERATOR,
            name=account.name,
            role=account.role,
            password=account.password,
            full_name=names[account.role],
        )
    return accounts


def add_patients(workspace: Workspace) -> Iterator[None]:
    """Add the patients with all that belongs to them, one at each step; the accounts must be there."""
    clinician = next(user for user in users.list_users(workspace.database, OPERATOR) if user.role is Role.CLINICIAN)
    actor = Actor(user_id=clinician.id, name=clinician.name, role=clinician.role, address="demonstration")
    rng = np.random.default_rng(SEED)
    for position, (name, sex) in enumerate(PEOPLE):
        patient = patients.register_patient(
            workspace.database, actor, details=_details(rng, position, name, sex), is_another_person=True
        )
        _History(workspace, actor, rng, position, patient.id).write()
        yield


def _details(rng: np.random.Generator, position: int, name: str, sex: Sex) -> PatientDetails:
    today = clock.today()
    skin_types = list(FitzpatrickSkinType)
    consented = position % 6 != 5
    return PatientDetails(
        record_number=f"D-{1001 + position}",
        name=name,
        birth_date=date(today.year - int(rng.integers(22, 86)), int(rng.integers(1, 13)), int(rng.integers(1, 28))),
        sex=sex,
        fitzpatrick_skin_type=skin_types[int(rng.integers(0, 6))],
        phone=f"+00 555 01{position:02d}",
        email=f"patient{position + 1}@example.org",
        personal_hx_mm=bool(rng.random() < 0.15),
        family_hx_mm=bool(rng.random() < 0.25),
        photo_consent_on=today - timedelta(days=400) if consented else None,
        photo_consent_wording="Photographs for my own care and record." if consented else None,
    )


@dataclass(frozen=True)
class _History:
    """One patient's past: lesions, visits every few months with an image of each, diagnoses, recalls."""

    workspace: Workspace
    actor: Actor
    rng: np.random.Generator
    position: int
    patient_id: int

    def write(self) -> None:
        kinds = [FAMILIAR[int(index)] for index in self.rng.integers(0, len(FAMILIAR), 1 + self.position % 3)]
        found = [self._add_lesion(index) for index in range(len(kinds))]
        times = self._visit_times()
        for turn, at in enumerate(times):
            visit = self._log_visit(at, "Follow-up" if turn else "Skin check")
            for kind, lesion in zip(kinds, found, strict=True):
                self._add_image(visit, lesion, kind, turn)
        for index, lesion in enumerate(found):
            self._judge(lesion, kinds[index], index, last=times[-1])
            self._set_states(lesion, kinds[index], times)

    def _visit_times(self) -> list[datetime]:
        today = clock.today()
        # Every third patient comes today; the others were last here some weeks or months ago.
        back = 0 if self.position % 3 == 0 else int(self.rng.integers(20, 150))
        count = 2 + self.position % 3
        days = [today - timedelta(days=back + step * int(self.rng.integers(85, 110))) for step in range(count)]
        return [
            datetime.combine(day, time(8 + self.position % 9, 15 * (self.position % 4))).astimezone()
            for day in sorted(days)
        ]

    def _add_lesion(self, index: int) -> Lesion:
        site, side, text, place = PLACES[(self.position + index) % len(PLACES)]
        return lesions.add_lesion(
            self.workspace.database,
            self.actor,
            patient_id=self.patient_id,
            body_site=site,
            laterality=side,
            description=text,
            place=place,
        )

    def _log_visit(self, at: datetime, reason: str) -> Visit:
        return visits.log_visit(
            self.workspace.database,
            self.actor,
            patient_id=self.patient_id,
            at=at,
            reason=reason,
            clinician_id=self.actor.user_id,
        )

    def _add_image(self, visit: Visit, lesion: Lesion, kind: str, turn: int) -> None:
        growth = GROWTH_A_VISIT.get(kind, 1.0) ** turn
        picture = draw_lesion(seed=lesion.id, size=PICTURE_SIDE, kind=kind, growth=growth, visit=turn)
        file = io.BytesIO()
        picture.save(file, "BMP")
        images.add_image(
            self.workspace.database,
            self.actor,
            intake=self.workspace.intake,
            visit_id=visit.id,
            lesion_id=lesion.id,
            data=file.getvalue(),
            image_type=ImageType.DERMOSCOPIC,
        )

    def _readings(self, lesion: Lesion) -> list[int]:
        found = lesions.images_of_lesion(self.workspace.database, self.actor, lesion_id=lesion.id)
        return [reading.id for image in found for reading in image.readings]

    def _judge(self, lesion: Lesion, kind: str, index: int, *, last: datetime) -> None:
        suspicious = taxonomy.needs_attention(kind)
        if (self.position + index) % 2 and suspicious:
            plans.set_plan(self.workspace.database, self.actor, lesion_id=lesion.id, kind=PlanKind.BIOPSY)
        if (self.position + index) % 2 == 0:
            judgements.record_diagnosis(
                self.workspace.database,
                self.actor,
                lesion_id=lesion.id,
                name=kind,
                seen_reading_ids=self._readings(lesion),
                confirm_type=ConfirmType.HISTOPATHOLOGY if suspicious else ConfirmType.SERIAL_IMAGING,
            )
        # The verb that sets a recall refuses one in the past, rightly; these were set back then.
        with self.workspace.database.writing() as session:
            session.add(
                Recall(
                    lesion_id=lesion.id,
                    due_on=last.date() + timedelta(days=91 if index == 0 else 182),
                    reason="Compare with the last images",
                    set_at=last,
                    user_id=self.actor.user_id,
                )
            )

    def _set_states(self, lesion: Lesion, kind: str, times: list[datetime]) -> None:
        """Watched since the first visit, and where it grew, suspicious at the last; these too were set back then."""
        states = [(times[0], LesionState.WATCHED)]
        if kind in GROWTH_A_VISIT:
            states.append((times[-1], LesionState.SUSPICIOUS))
        user_id = self.actor.account()
        with self.workspace.database.writing() as session:
            session.add_all(StateOfLesion(lesion_id=lesion.id, at=at, user_id=user_id, state=one) for at, one in states)
