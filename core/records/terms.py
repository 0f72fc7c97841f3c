"""The terms that records are written in: FHIR's and the ISIC archive's, and the roles of accounts."""

from enum import StrEnum


class Role(StrEnum):
    """What an account is for; each may do all that the one before it may (core.records.actor)."""

    STAFF = "staff"
    CLINICIAN = "clinician"
    ADMINISTRATOR = "administrator"


class Sex(StrEnum):
    """FHIR's AdministrativeGender."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class FitzpatrickSkinType(StrEnum):
    """How skin answers to the sun, from I (always burns) to VI (never burns)."""

    I = "I"  # noqa: E741 - the scale's own numeral
    II = "II"
    III = "III"
    IV = "IV"
    V = "V"
    VI = "VI"


class BodySite(StrEnum):
    """Top level of the ISIC archive's anatomical sites."""

    HEAD_AND_NECK = "Head and neck"
    TRUNK = "Trunk"
    UPPER_EXTREMITY = "Upper extremity"
    LOWER_EXTREMITY = "Lower extremity"
    ANOGENITAL_REGION = "Anogenital region"


class Laterality(StrEnum):
    """Which side of the body."""

    LEFT = "left"
    RIGHT = "right"
    MIDLINE = "midline"


class BodyView(StrEnum):
    """The views of the body map (core.body_map)."""

    FRONT = "front"
    BACK = "back"
    HEAD = "head"
    HANDS = "hands"
    FEET = "feet"


class LesionState(StrEnum):
    """What a clinician says has become of a lesion; NEW until one says anything."""

    NEW = "new"
    WATCHED = "watched"
    CHANGED = "changed"
    SUSPICIOUS = "suspicious"
    EXCISED = "excised"
    RESOLVED = "resolved"


class ImageType(StrEnum):
    """The ISIC archive's image_type, as far as a clinic takes them."""

    DERMOSCOPIC = "dermoscopic"
    CLOSE_UP = "clinical: close-up"
    OVERVIEW = "clinical: overview"


class ScaleSource(StrEnum):
    """How the length of a pixel of an image is known."""

    DERMATOSCOPE = "dermatoscope setting"
    MARKED = "ruler or coin, marked by two clicks"


class ConfirmType(StrEnum):
    """The ISIC archive's diagnosis_confirm_type: how a diagnosis was confirmed."""

    SINGLE_CONTRIBUTOR = "single contributor clinical assessment"
    EXPERT_CONSENSUS = "single image expert consensus"
    SERIAL_IMAGING = "serial imaging showing no change"
    CONFOCAL = "confocal microscopy with consensus dermoscopy"
    HISTOPATHOLOGY = "histopathology"


class ReferralState(StrEnum):
    """How far a referral has come; FHIR's Task.status in the words that a clinic uses."""

    SENT = "sent"
    SEEN = "seen"
    CLOSED = "closed"


class Checklist(StrEnum):
    """What a clinician has scored a lesion by (core.checklists)."""

    SEVEN_POINT = "weighted 7-point checklist"
    ABCD = "ABCD rule of dermoscopy"


class PlanKind(StrEnum):
    """What a clinician means to do about a lesion."""

    NONE = "none"
    RECALL_3 = "recall in 3 months"
    RECALL_6 = "recall in 6 months"
    RECALL_12 = "recall in 12 months"
    BIOPSY = "biopsy"
    EXCISION = "excision"
    REFERRAL = "referral"


class CallOutcome(StrEnum):
    """How a call about a recall ended."""

    REACHED = "reached"
    NO_ANSWER = "no answer"
    MOVED = "moved"
    DECLINED = "declined"
    WRONG_NUMBER = "wrong number"
