"""Who may do what: every verb as each role, and nothing changed after a refusal."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from core import records
from core.body_map import Place
from core.checklists import Colour, Structure
from core.clinics.directory import starting_list
from core.errors import NotAllowed
from core.records import clock, users
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.patients import PatientDetails
from core.records.recalls import RecallFilter
from core.records.tables import Image
from core.records.terms import (
    BodySite,
    BodyView,
    CallOutcome,
    ConfirmType,
    ImageType,
    LesionState,
    PlanKind,
    ReferralState,
    Role,
)
from core.vision.explain import Method
from core.workspace import Workspace
from tests.charts import DETAILS, PASSWORD, Charts, lesion_file
from tests.everything import all_rows, fill_every_table
from tests.explaining import InstantExplainer
from tests.features import give_features

# The lowest role that may; written down here and not taken from the verbs, so that a slip in one of them shows.
MAY = {
    "agreement.confirmed_cases": Role.CLINICIAN,
    "audit.search_audit": Role.ADMINISTRATOR,
    "audit.audit_actions": Role.ADMINISTRATOR,
    "body_map.map_of": Role.STAFF,
    "body_map.place_lesion": Role.STAFF,
    "body_map.set_state": Role.CLINICIAN,
    "body_map.states_of": Role.STAFF,
    "checklists.score_abcd": Role.CLINICIAN,
    "checklists.score_seven_points": Role.CLINICIAN,
    "checklists.scores_of": Role.STAFF,
    "comparisons.compare_images": Role.STAFF,
    "comparisons.growth_matrices": Role.STAFF,
    "clinics.add_clinic": Role.ADMINISTRATOR,
    "clinics.edit_clinic": Role.ADMINISTRATOR,
    "clinics.import_clinics": Role.ADMINISTRATOR,
    "clinics.retired_clinics": Role.ADMINISTRATOR,
    "clinics.set_retired": Role.ADMINISTRATOR,
    "explanations.explain_reading": Role.STAFF,
    "images.add_image": Role.STAFF,
    "images.get_image": Role.STAFF,
    "images.move_image": Role.STAFF,
    "images.tidy": Role.ADMINISTRATOR,
    "judgements.record_diagnosis": Role.CLINICIAN,
    "judgements.diagnoses_of": Role.STAFF,
    "judgements.set_recall": Role.CLINICIAN,
    "judgements.close_recall": Role.STAFF,
    "judgements.open_recall": Role.STAFF,
    "lesions.add_lesion": Role.STAFF,
    "lesions.get_lesion": Role.STAFF,
    "lesions.lesions_of": Role.STAFF,
    "lesions.list_lesions": Role.STAFF,
    "lesions.images_of_lesion": Role.STAFF,
    "outlines.outline_of": Role.STAFF,
    "outlines.correct_outline": Role.CLINICIAN,
    "outlines.set_scale": Role.STAFF,
    "outlines.set_scale_by_marks": Role.STAFF,
    "outlines.measures_of_lesion": Role.STAFF,
    "patients.register_patient": Role.STAFF,
    "patients.edit_patient": Role.STAFF,
    "patients.search_patients": Role.STAFF,
    "patients.latest_patients": Role.STAFF,
    "patients.open_chart": Role.STAFF,
    "patients.patient_history": Role.STAFF,
    "patients.patients_by_id": Role.STAFF,
    "plans.awaited_of": Role.STAFF,
    "plans.count_waiting_for_pathology": Role.STAFF,
    "plans.plans_of": Role.STAFF,
    "plans.set_plan": Role.CLINICIAN,
    "plans.waiting_for_pathology": Role.STAFF,
    "readings.read_again": Role.STAFF,
    "rereading.outdated_images": Role.STAFF,
    "rereading.read_all_again": Role.STAFF,
    "readings.review_reading": Role.CLINICIAN,
    "readings.unreviewed_readings": Role.STAFF,
    "readings.count_unreviewed": Role.STAFF,
    "timeline.decisions_on": Role.STAFF,
    "recalls.calls_of": Role.STAFF,
    "recalls.list_recalls": Role.STAFF,
    "recalls.log_call": Role.STAFF,
    "recalls.take_out": Role.STAFF,
    "recalls.tally_recalls": Role.STAFF,
    "similar.similar_cases": Role.CLINICIAN,
    "referrals.take_out": Role.STAFF,
    "referrals.move_referral": Role.STAFF,
    "referrals.refer": Role.CLINICIAN,
    "referrals.referrals_of": Role.STAFF,
    "users.add_user": Role.ADMINISTRATOR,
    "users.list_users": Role.ADMINISTRATOR,
    "users.clinicians": Role.STAFF,
    "users.set_role": Role.ADMINISTRATOR,
    "users.set_disabled": Role.ADMINISTRATOR,
    "users.reset_password": Role.ADMINISTRATOR,
    "users.change_own_password": Role.STAFF,
    "users.sign_out_everywhere": Role.STAFF,
    "visits.log_visit": Role.STAFF,
    "visits.edit_visit": Role.STAFF,
    "visits.get_visit": Role.STAFF,
    "visits.visits_of": Role.STAFF,
    "visits.visits_on": Role.STAFF,
    "visits.images_of_visit": Role.STAFF,
    # Last, since nothing of the patient is left for another verb.
    "erasure.erase_patient": Role.ADMINISTRATOR,
}

# What takes the database and nobody who acts: before anybody is signed in, at the very start, and the directory that
# the public sees; and how an index follows the records.
NO_VERB = {
    "audit.record_look",
    "audit.record_looks",
    "clinics.fill_empty_directory",
    "clinics.list_clinics",
    "similar.catch_up",
    "similar.catch_up_in_background",
    "users.has_administrator",
    "users.make_first_administrator",
    "users.resume",
    "users.sign_in",
    "users.sign_out",
}

ROLES = list(Role)


def public_functions() -> dict[str, Callable[..., Any]]:
    """Every public function of core.records by module and name, in the module where it is defined."""
    found: dict[str, Callable[..., Any]] = {}
    for info in pkgutil.iter_modules(records.__path__):
        module = importlib.import_module(f"core.records.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                found[f"{info.name}.{name}"] = function
    return found


VERBS = {name: function for name, function in public_functions().items() if hasattr(function, "permission")}


@dataclass(frozen=True)
class Clinic:
    """What the arguments of the verbs are taken from."""

    workspace: Workspace
    image: Image
    other_account: str
    recall_id: int
    called_recall_id: int
    other_lesion_id: int

    def arguments(self, verb: str) -> dict[str, Any]:
        """Arguments with which `verb` does its work where the role allows it."""
        image, store = self.image, self.workspace.images
        patient = image.lesion.patient
        new = replace(DETAILS, record_number="NEW-1", name="Björn Lindqvist")
        a_lesion, a_patient, an_image = (
            {"lesion_id": image.lesion_id},
            {"patient_id": patient.id},
            {"image_id": image.id},
        )
        today, tomorrow = clock.today(), clock.today() + timedelta(days=1)
        arguments: dict[str, dict[str, Any]] = {
            "agreement.confirmed_cases": {},
            "audit.search_audit": {},
            "audit.audit_actions": {},
            "body_map.map_of": {**a_patient, "as_of": today},
            "body_map.place_lesion": {
                **a_lesion,
                "place": Place(BodyView.FRONT, 0.6, 0.3),
                "region": "front-chest-left",
            },
            "body_map.set_state": {**a_lesion, "state": LesionState.SUSPICIOUS},
            "body_map.states_of": a_lesion,
            "checklists.score_abcd": {
                **a_lesion,
                "visit_id": image.visit_id,
                "asymmetry": 1,
                "border": 2,
                "colours": [Colour.RED],
                "structures": [Structure.DOTS],
            },
            "checklists.score_seven_points": {**a_lesion, "visit_id": image.visit_id, "features": []},
            "checklists.scores_of": a_lesion,
            "comparisons.compare_images": {"store": store, "first_id": image.id, "second_id": image.id},
            "comparisons.growth_matrices": {"store": store, "first_id": image.id, "other_ids": [image.id]},
            "clinics.add_clinic": {"entry": replace(starting_list()[0], name="Another clinic")},
            "clinics.edit_clinic": {"clinic_id": 1, "entry": replace(starting_list()[0], phone="+91 1")},
            "clinics.import_clinics": {"entries": [replace(starting_list()[0], name="Imported", city="Elsewhere")]},
            "clinics.retired_clinics": {},
            "clinics.set_retired": {"clinic_id": 1, "retired": True},
            "referrals.take_out": {"referral_id": 1},
            "referrals.move_referral": {"referral_id": 1, "state": ReferralState.SEEN},
            "referrals.refer": {**a_patient, "clinic_id": 2, "reason": "A mole that grows."},
            "referrals.referrals_of": a_patient,
            "erasure.erase_patient": {
                **a_patient,
                "store": store,
                "similar": self.workspace.similar,
                "confirmed_number": patient.record_number,
            },
            "explanations.explain_reading": {
                "store": store,
                "reader": self.workspace.reader,
                "explainer": InstantExplainer(),
                "reading_id": image.readings[0].id,
                "method": Method.LAYER_CAM,
                "class_name": "nevus",
            },
            "images.add_image": {
                "intake": self.workspace.intake,
                "visit_id": image.visit_id,
                **a_lesion,
                "data": lesion_file(4711),
                "image_type": ImageType.CLOSE_UP,
            },
            "images.get_image": an_image,
            "images.move_image": {**an_image, "lesion_id": self.other_lesion_id},
            "images.tidy": {"store": store},
            "judgements.record_diagnosis": {**a_lesion, "name": "nevus", "confirm_type": ConfirmType.SERIAL_IMAGING},
            "judgements.diagnoses_of": a_lesion,
            "judgements.set_recall": {**a_lesion, "due_on": tomorrow},
            "judgements.close_recall": {"recall_id": self.recall_id},
            "judgements.open_recall": a_lesion,
            "lesions.add_lesion": {**a_patient, "body_site": BodySite.TRUNK},
            "lesions.get_lesion": a_lesion,
            "lesions.lesions_of": a_patient,
            "lesions.list_lesions": a_patient,
            "lesions.images_of_lesion": a_lesion,
            "outlines.outline_of": {"store": store, "outliner": self.workspace.outliner, **an_image},
            "outlines.correct_outline": {
                "store": store,
                **an_image,
                "polygon": [(20.0, 20.0), (70.0, 20.0), (70.0, 70.0), (20.0, 70.0)],
                "seen": all_rows(self.workspace.database)["outline"][-1]["id"],
            },
            "outlines.set_scale": {**an_image, "mm_per_pixel": 0.02},
            "outlines.set_scale_by_marks": {**an_image, "marks": [(10.0, 10.0), (60.0, 10.0)], "length_mm": 5.0},
            "outlines.measures_of_lesion": a_lesion,
            "patients.register_patient": {"details": new},
            "patients.edit_patient": {
                **a_patient,
                "details": replace(PatientDetails.of(patient), notes="Moved."),
                "version": patient.version,
            },
            "patients.search_patients": {"query": "meera"},
            "patients.latest_patients": {},
            "patients.open_chart": a_patient,
            "patients.patient_history": a_patient,
            "patients.patients_by_id": {"patient_ids": [patient.id]},
            "plans.awaited_of": a_lesion,
            "plans.count_waiting_for_pathology": {},
            "plans.plans_of": a_lesion,
            "plans.set_plan": {**a_lesion, "kind": PlanKind.RECALL_3},
            "plans.waiting_for_pathology": {},
            "readings.read_again": {"store": store, "reader": self.workspace.reader, **an_image},
            "rereading.outdated_images": {"model_version": "another", **a_lesion},
            "rereading.read_all_again": {"store": store, "reader": self.workspace.reader, "image_ids": [image.id]},
            "readings.review_reading": {"reading_id": image.readings[0].id},
            "readings.unreviewed_readings": {},
            "readings.count_unreviewed": {},
            "timeline.decisions_on": a_lesion,
            "recalls.calls_of": {"recall_id": self.recall_id},
            "recalls.list_recalls": {"rule": self.workspace.lost_rule, "which": RecallFilter()},
            "recalls.log_call": {"recall_id": self.called_recall_id, "outcome": CallOutcome.REACHED},
            "recalls.take_out": {"recall_ids": [self.recall_id], "as_what": "letter"},
            "recalls.tally_recalls": {"rule": self.workspace.lost_rule},
            "similar.similar_cases": {
                **an_image,
                "index": self.workspace.similar,
                "model_version": self.workspace.reader.model_version,
            },
            "users.add_user": {"name": "newcomer", "role": Role.ADMINISTRATOR, "password": PASSWORD},
            "users.list_users": {},
            "users.clinicians": {},
            "users.set_role": {"name": self.other_account, "role": Role.ADMINISTRATOR},
            "users.set_disabled": {"name": self.other_account, "disabled": True},
            "users.reset_password": {"name": self.other_account, "password": "another password"},
            "users.change_own_password": {"current": PASSWORD, "new": "another password"},
            "users.sign_out_everywhere": {},
            "visits.log_visit": {**a_patient, "at": clock.now(), "reason": "Skin check"},
            "visits.edit_visit": {
                "visit_id": image.visit_id,
                "seen": image.visit,
                "at": image.visit.at,
                "reason": "Another reason",
            },
            "visits.get_visit": {"visit_id": image.visit_id},
            "visits.visits_of": a_patient,
            "visits.visits_on": {"day": today},
            "visits.images_of_visit": {"visit_id": image.visit_id},
        }
        return arguments[verb]


@pytest.fixture
def clinic(database: Database, workspace: Workspace, charts: Charts, clinician: Actor) -> Clinic:
    image = fill_every_table(database, charts, clinician)
    users.add_user(database, OPERATOR, name="somebody", role=Role.STAFF, password=PASSWORD)
    whole = VERBS["images.get_image"](database, clinician, image_id=image.id)
    # Of another lesion than the one that gets a new recall, which would replace it.
    other = charts.lesion(whole.lesion.patient)
    due = clock.today() + timedelta(days=30)
    recall = VERBS["judgements.set_recall"](database, clinician, lesion_id=other.id, due_on=due)
    yet_another = charts.lesion(whole.lesion.patient)
    called = VERBS["judgements.set_recall"](database, clinician, lesion_id=yet_another.id, due_on=due)
    give_features(database, whole.id, np.ones(8, dtype=np.float32), model_version=workspace.reader.model_version)
    return Clinic(workspace, whole, "somebody", recall.id, called.id, other.id)


def test_no_verb_is_missing_here() -> None:
    assert sorted(VERBS) == sorted(MAY)


def test_whatever_works_on_the_database_is_a_verb() -> None:
    takes_database = {
        name for name, function in public_functions().items() if "database" in inspect.signature(function).parameters
    }
    assert takes_database - set(VERBS) == NO_VERB


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_not_do_is_refused_and_changes_nothing(
    role: Role, database: Database, clinic: Clinic, request: pytest.FixtureRequest
) -> None:
    actor = clinic_actor(role, request)
    before, files = all_rows(database), sorted(clinic.workspace.images.all())
    refused = [verb for verb in MAY if ROLES.index(role) < ROLES.index(MAY[verb])]
    assert bool(refused) == (role is not Role.ADMINISTRATOR)
    for verb in refused:
        with pytest.raises(NotAllowed, match=f"Your role \\({role}\\) does not include this"):
            VERBS[verb](database, actor, **clinic.arguments(verb))
        assert all_rows(database) == before, verb
    assert sorted(clinic.workspace.images.all()) == files


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_do_is_done(
    role: Role, database: Database, clinic: Clinic, request: pytest.FixtureRequest
) -> None:
    actor = clinic_actor(role, request)
    for verb in [verb for verb in MAY if ROLES.index(role) >= ROLES.index(MAY[verb])]:
        VERBS[verb](database, actor, **clinic.arguments(verb))


def test_the_operator_has_no_account_to_judge_or_sign_out_with(database: Database, clinic: Clinic) -> None:
    before = all_rows(database)
    for verb in (
        "judgements.record_diagnosis",
        "judgements.set_recall",
        "checklists.score_seven_points",
        "plans.set_plan",
        "recalls.log_call",
        "referrals.refer",
        "readings.review_reading",
        "users.change_own_password",
        "users.sign_out_everywhere",
    ):
        with pytest.raises(NotAllowed, match="account"):
            VERBS[verb](database, OPERATOR, **clinic.arguments(verb))
    assert all_rows(database) == before


def clinic_actor(role: Role, request: pytest.FixtureRequest) -> Actor:
    actor = request.getfixturevalue(str(role))
    assert isinstance(actor, Actor)
    return actor
