"""What a member of the public is told after a reading. Every sentence of the public page stands here and nowhere else.

Three rules hold for all of them. Nothing reassures: a picture cannot rule out a cancer, and a program that says so
costs lives. What is advised depends on the probabilities and their threshold as well as on the leading class, and a
reading with more risk in it is never answered with milder advice. A reading is a resemblance, never a diagnosis.

Sources:
    NICE guideline NG12, "Suspected cancer: recognition and referral", 1.7 Skin cancers: referral within two weeks for a
    weighted 7-point checklist score of 3 or more, which is 2 points each for change in size, irregular shape and
    irregular colour, and 1 point each for a largest diameter of 7 mm or more, inflammation, oozing and change in
    sensation. The guideline's recommendations rest on a 3 % chance of cancer as what warrants a referral.
    Cancer Research UK, "Symptoms of skin cancer": a spot or sore that does not heal within four weeks.
    American Academy of Dermatology, "What to look for: ABCDEs of melanoma" (aad.org): asymmetry, border, color,
    diameter, evolving; and to see a dermatologist for any spot that differs from the others, changes, itches or bleeds.

No clinician has yet reviewed the wording.
"""

from dataclasses import dataclass
from enum import StrEnum

from core.taxonomy import Group

SOON_FROM = 0.03
"""From this malignant probability on a skin change is to be looked at soon: NICE NG12's 3 %."""

NOW_FROM = 0.5
"""From this malignant probability on it is to be seen now, even below a model's own threshold."""


class Outcome(StrEnum):
    """What to do. `SEE_NOW` is the most urgent; `UNREADABLE` says nothing about the skin."""

    SEE_NOW = "see-now"
    SEE_SOON = "see-soon"
    WATCH = "watch"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Guidance:
    """What to say for an outcome: a headline, what to do, signs with their meaning, and lists with their titles."""

    outcome: Outcome
    headline: str
    advice: tuple[str, ...]
    signs: tuple[tuple[str, str], ...] = ()
    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()


def decide(*, malignant_probability: float, flagged: bool, group: Group) -> Outcome:
    """The outcome of a reading, of `core.vision.reader.Reading`'s fields of these names.

    It never grows milder when the probability rises, when the flag is set, or when the leading class goes from benign
    to indeterminate to malignant. Raises ValueError for a probability outside 0..1.
    """
    if not 0 <= malignant_probability <= 1:
        raise ValueError(f"a probability lies between 0 and 1, not {malignant_probability}")
    if flagged or group is Group.MALIGNANT or malignant_probability >= NOW_FROM:
        return Outcome.SEE_NOW
    if group is Group.INDETERMINATE or malignant_probability >= SOON_FROM:
        return Outcome.SEE_SOON
    return Outcome.WATCH


def guidance(outcome: Outcome) -> Guidance:
    """What to tell a person with this outcome."""
    return _GUIDANCE[outcome]


def group_words(group: Group) -> str:
    """A group in plain words, for a person who has never heard of it."""
    return _GROUP_WORDS[group]


TITLE = "Skin check"
INTRODUCTION = (
    "Upload a photo of one spot on your skin. A program compares it with photos of nine kinds of skin changes, shows "
    "what it resembles most, and tells you what to do next and where to go."
)
CONSENT_TITLE = "Before you start"
CONSENT_POINTS = (
    "This is not a diagnosis. The program is often wrong, and it can miss a cancer. Only a doctor who looks at your "
    "skin can tell you what it is.",
    "It learned from photos that doctors took through a magnifying skin lens, mostly of light skin. It is less "
    "reliable on phone photos and on brown or black skin.",
    "If a spot worries you, changes, bleeds or does not heal, see a doctor, whatever this page says.",
    "Your photo is used once, for this answer. It is not stored, not shared and not used for anything else.",
)
CONSENT_BUTTON = "I understand, continue"
PHOTO_TITLE = "Your photo"
PHOTO_TIPS = (
    "One spot, sharp, in the middle of the picture, filling about half of it.",
    "Daylight without shadow, no flash, nothing drawn on the skin.",
    "Nothing that shows who you are: no face, no name.",
)
PHOTO_LABEL = "Choose or take a photo (JPEG, PNG, WebP, HEIC, TIFF or BMP)"
MATCH_TITLE = "It resembles most"
NO_DIAGNOSIS = (
    "A resemblance, not a diagnosis. The percentage is how strongly the program leans to this match, not how likely it "
    "is to be right about you."
)
MIXED_MATCH = (
    "The closest match is not a cancer, but the cancers and their early stages together come to {percent}. That is too "
    "much to leave it."
)
ALL_MATCHES_TITLE = "All nine kinds compared"
REGION_TITLE = "What the program looked at"
REGION_NOTE = (
    "The brighter the colour, the more that part of the photo counted for the match. It does not show where the spot "
    "ends."
)
REGION_SLIDER = "Strength of the colours"
PLACES_TITLE = "Where to go"
PLACES_NOTE = (
    "A list of well-known centres; a nearer doctor may not be in it. Distances are straight lines between towns. Call, "
    "or look at the website, before you travel. In an emergency, call your local emergency number."
)
PLACE_LABEL = "Your town or city"
PLACE_HINT = "For example: Madurai, or Salem, India"
PLACE_BUTTON = "Find the nearest"
PLACE_UNKNOWN = "No place of that name was found. Try a larger town nearby, or add the country after a comma."
PLACE_OTHERS = "Not the right place? There is also:"
PLACES_NONE = "No clinic is listed yet."
NO_FILE = "The photo did not arrive. Please choose it again."
NOT_WORKING = "Photos cannot be read at the moment. Please try again later. If the spot worries you, see a doctor now."
ANOTHER_PHOTO = "You can choose another photo at any time; the last one is already gone."

# After the American Academy of Dermatology; see the module's docstring.
ABCDE = (
    ("Asymmetry", "one half does not look like the other"),
    ("Border", "the edge is ragged, notched or blurred"),
    ("Colour", "several colours: brown, black, red, white or blue"),
    ("Diameter", "larger than 6 mm, about a pencil's end, though some dangerous spots are smaller"),
    ("Evolving", "it changes in size, shape or colour, or looks unlike your other spots"),
)

# After NICE NG12's weighted 7-point checklist and the American Academy of Dermatology.
GO_ANYWAY_TITLE = "Go to a doctor anyway, without waiting, if"
GO_ANYWAY = (
    "it has changed in size, shape or colour",
    "it itches, hurts, bleeds, oozes or forms a crust",
    "it is a sore that has not healed in four weeks",
    "it is new and you are over 50, or it looks different from all your other spots",
    "it is 7 mm or wider, or red and swollen",
    "somebody in your family had melanoma, or your immune system is weakened",
    "it worries you, for any reason",
)

_GROUP_WORDS = {
    Group.MALIGNANT: "This kind is a skin cancer. Found early, most skin cancers can be treated.",
    Group.INDETERMINATE: "This kind is sun damage that can turn into skin cancer, so a doctor needs to look at it.",
    Group.BENIGN: "This kind is not a cancer, but some cancers look just like it, in a photo and to this program.",
}

_GUIDANCE = {
    Outcome.SEE_NOW: Guidance(
        Outcome.SEE_NOW,
        "See a dermatologist now",
        (
            "The program found signs that a doctor should look at without delay. Ask for an appointment today, and to "
            "be seen within two weeks.",
            "Show the doctor the spot itself, not this page. Do not treat, cut or burn it yourself.",
            "If there is no dermatologist near you, a family doctor or a hospital can send you on to one.",
        ),
        lists=(("Tell them if", GO_ANYWAY[:-1]),),
    ),
    Outcome.SEE_SOON: Guidance(
        Outcome.SEE_SOON,
        "Have it looked at soon",
        (
            "The program found something that a doctor should look at in the next weeks. Make an appointment now, so "
            "that it is not forgotten.",
            "Until then, look at the spot once a week and take a photo each time.",
        ),
        signs=ABCDE,
        lists=((GO_ANYWAY_TITLE, GO_ANYWAY),),
    ),
    Outcome.WATCH: Guidance(
        Outcome.WATCH,
        "Keep an eye on it, and know when to go",
        (
            "The program found few of the signs that it knows. It can miss a cancer, so this does not rule one out.",
            "Look at the spot once a month and take a photo each time. Show it to a doctor at your next visit.",
        ),
        signs=ABCDE,
        lists=((GO_ANYWAY_TITLE, GO_ANYWAY),),
    ),
    Outcome.UNREADABLE: Guidance(
        Outcome.UNREADABLE,
        "We cannot read this image",
        ("This says nothing about your skin.",),
        lists=(("Please try another photo", PHOTO_TIPS), (GO_ANYWAY_TITLE, GO_ANYWAY)),
    ),
}
