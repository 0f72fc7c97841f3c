"""Every medical sentence that the public is told, each with the source it rests on. They stand nowhere else.

No clinician has yet reviewed the wording, in any language.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from core.taxonomy import Group


class Source(StrEnum):
    """What a sentence rests on."""

    NG12 = (
        "NICE guideline NG12, Suspected cancer: recognition and referral, 1.7 Skin cancers. Referral within two weeks "
        "for a weighted 7-point checklist score of 3 or more: 2 points each for change in size, irregular shape and "
        "irregular colour, 1 each for a largest diameter of 7 mm or more, inflammation, oozing and change in "
        "sensation. Its recommendations rest on a 3 % chance of cancer as what warrants a referral."
    )
    AAD = (
        "American Academy of Dermatology, What to look for: ABCDEs of melanoma (aad.org); see a dermatologist for any "
        "spot that differs from the others, changes, itches or bleeds. Its list of who is at higher risk names a "
        "family history of melanoma, a weakened immune system and an age over 50."
    )
    CRUK = "Cancer Research UK, Symptoms of skin cancer: a spot or sore that does not heal within four weeks."
    MODEL = "docs/MODEL_CARD.md: what this model was measured to do and not to do."
    CAUTION = "DermTrail's own, on the side of caution."


class Sentence(str):
    """A sentence in English, which is also its name in the catalogues of translations, and what it rests on."""

    __slots__ = ("source",)
    source: Source

    def __new__(cls, text: str, source: Source) -> Self:
        """A str that also knows its source."""
        sentence = super().__new__(cls, text)
        sentence.source = source
        return sentence


class Outcome(StrEnum):
    """What to do. `SEE_NOW` is the most urgent; `UNREADABLE` says nothing about the skin."""

    SEE_NOW = "see-now"
    SEE_SOON = "see-soon"
    WATCH = "watch"
    UNREADABLE = "unreadable"


class Reason(StrEnum):
    """What led to an outcome: of the picture first, then of the answers."""

    HIGH = "high"
    LEADS_MALIGNANT = "leads-malignant"
    FLAGGED = "flagged"
    LEADS_PRECANCEROUS = "leads-precancerous"
    RAISED = "raised"
    NOT_RULED_OUT = "not-ruled-out"
    UNCERTAIN = "uncertain"
    FEW_SIGNS = "few-signs"
    UNREADABLE = "unreadable"
    CHECKLIST = "checklist"
    CHANGING = "changing"
    BLEEDING = "bleeding"
    ITCHING = "itching"
    NEW_AFTER_50 = "new-after-50"
    FAMILY_HISTORY = "family-history"
    IMMUNE_SUPPRESSION = "immune-suppression"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Guidance:
    """What to say for an outcome: a headline, what to do, signs with their meaning, and lists with their titles."""

    outcome: Outcome
    headline: Sentence
    advice: tuple[Sentence, ...]
    signs: tuple[tuple[Sentence, Sentence], ...] = ()
    lists: tuple[tuple[Sentence, tuple[Sentence, ...]], ...] = ()


def guidance(outcome: Outcome) -> Guidance:
    """What to tell a person with this outcome."""
    return _GUIDANCE[outcome]


def reason_sentence(reason: Reason) -> Sentence:
    """A reason as a person is told it."""
    return _REASONS[reason]


def group_words(group: Group) -> Sentence:
    """A group in plain words, for a person who has never heard of it."""
    return _GROUP_WORDS[group]


CONSENT_POINTS = (
    Sentence(
        "This is not a diagnosis. The program is often wrong, and it can miss a cancer. Only a doctor who looks at "
        "your skin can tell you what it is.",
        Source.MODEL,
    ),
    Sentence(
        "It learned from photos that doctors took through a magnifying skin lens, mostly of light skin. It is less "
        "reliable on phone photos and on brown or black skin.",
        Source.MODEL,
    ),
    Sentence(
        "If a spot worries you, changes, bleeds or does not heal, see a doctor, whatever this page says.", Source.AAD
    ),
)

QUESTIONS = {
    "changing": Sentence("Has it changed in size, shape or colour?", Source.NG12),
    "bleeding": Sentence("Does it bleed, ooze or form a crust?", Source.NG12),
    "itching": Sentence("Does it itch, hurt or feel different?", Source.NG12),
    "new_after_50": Sentence("Is it new, and are you over 50?", Source.AAD),
    "family_history": Sentence("Has a parent, brother, sister or child of yours had melanoma?", Source.AAD),
    "immune_suppression": Sentence("Is your immune system weakened, by an illness or a medicine?", Source.AAD),
}
"""By the attributes of `core.guidance.Answers`."""

NO_DIAGNOSIS = Sentence(
    "A resemblance, not a diagnosis. The percentage is how strongly the program leans to this match, not how likely it "
    "is to be right about you.",
    Source.MODEL,
)
REGION_NOTE = Sentence(
    "The brighter the colour, the more that part of the photo counted for the match. It does not show where the spot "
    "ends.",
    Source.MODEL,
)

PHOTO_TIPS = (
    Sentence("One spot, sharp, in the middle of the picture, filling about half of it.", Source.MODEL),
    Sentence("Daylight without shadow, no flash, nothing drawn on the skin.", Source.MODEL),
)

ABCDE = (
    (Sentence("Asymmetry", Source.AAD), Sentence("one half does not look like the other", Source.AAD)),
    (Sentence("Border", Source.AAD), Sentence("the edge is ragged, notched or blurred", Source.AAD)),
    (Sentence("Colour", Source.AAD), Sentence("several colours: brown, black, red, white or blue", Source.AAD)),
    (
        Sentence("Diameter", Source.AAD),
        Sentence("larger than 6 mm, about a pencil's end, though some dangerous spots are smaller", Source.AAD),
    ),
    (
        Sentence("Evolving", Source.AAD),
        Sentence("it changes in size, shape or colour, or looks unlike your other spots", Source.AAD),
    ),
)

GO_ANYWAY_TITLE = Sentence("Go to a doctor anyway, without waiting, if", Source.AAD)
GO_ANYWAY = (
    Sentence("it has changed in size, shape or colour", Source.NG12),
    Sentence("it itches, hurts, bleeds, oozes or forms a crust", Source.NG12),
    Sentence("it is a sore that has not healed in four weeks", Source.CRUK),
    Sentence("it is new and you are over 50, or it looks different from all your other spots", Source.AAD),
    Sentence("it is 7 mm or wider, or red and swollen", Source.NG12),
    Sentence("somebody in your family had melanoma, or your immune system is weakened", Source.AAD),
    Sentence("it worries you, for any reason", Source.CAUTION),
)

_GROUP_WORDS = {
    Group.MALIGNANT: Sentence(
        "This kind is a skin cancer. Found early, most skin cancers can be treated.", Source.CAUTION
    ),
    Group.INDETERMINATE: Sentence(
        "This kind is sun damage that can turn into skin cancer, so a doctor needs to look at it.", Source.CAUTION
    ),
    Group.BENIGN: Sentence(
        "This kind is not a cancer, but some cancers look just like it, in a photo and to this program.", Source.MODEL
    ),
}

_REASONS = {
    Reason.HIGH: Sentence(
        "All the cancers and their early stages together come to 10 % or more: too much to wait.", Source.MODEL
    ),
    Reason.LEADS_MALIGNANT: Sentence("The photo resembles a skin cancer most.", Source.MODEL),
    Reason.FLAGGED: Sentence(
        "The program raises its flag. So that few cancers are missed, it does so for many other spots too.",
        Source.MODEL,
    ),
    Reason.LEADS_PRECANCEROUS: Sentence(
        "The photo resembles most a kind of sun damage that can turn into skin cancer.", Source.MODEL
    ),
    Reason.RAISED: Sentence(
        "All the cancers and their early stages together come to 3 % or more: too much to leave it.", Source.NG12
    ),
    Reason.NOT_RULED_OUT: Sentence(
        "A skin cancer or an early stage of one is among the kinds that the program cannot rule out.", Source.MODEL
    ),
    Reason.UNCERTAIN: Sentence("The program cannot say what this is, so somebody has to look at it.", Source.MODEL),
    Reason.FEW_SIGNS: Sentence(
        "In the photo, the program found few of the signs that it knows. It can miss a cancer.", Source.MODEL
    ),
    Reason.UNREADABLE: Sentence("We cannot read this image, so the photo says nothing about your skin.", Source.MODEL),
    Reason.CHECKLIST: Sentence(
        "Your answers together are what doctors see without delay, whatever the photo shows.", Source.NG12
    ),
    Reason.CHANGING: Sentence("You say that it has changed: the most important sign of all.", Source.NG12),
    Reason.BLEEDING: Sentence("You say that it bleeds, oozes or forms a crust.", Source.NG12),
    Reason.ITCHING: Sentence("You say that it itches, hurts or feels different.", Source.NG12),
    Reason.NEW_AFTER_50: Sentence("You say that it is new, and that you are over 50.", Source.AAD),
    Reason.FAMILY_HISTORY: Sentence("You say that somebody in your family had melanoma.", Source.AAD),
    Reason.IMMUNE_SUPPRESSION: Sentence("You say that your immune system is weakened.", Source.AAD),
    Reason.UNSURE: Sentence("You are not sure whether it changes or bleeds; a doctor can tell.", Source.CAUTION),
}

_GUIDANCE = {
    Outcome.SEE_NOW: Guidance(
        Outcome.SEE_NOW,
        Sentence("See a dermatologist now", Source.NG12),
        (
            Sentence("Ask for an appointment today, and to be seen within two weeks.", Source.NG12),
            Sentence(
                "Show the doctor the spot itself, not this page. Do not treat, cut or burn it yourself.",
                Source.CAUTION,
            ),
            Sentence(
                "If there is no dermatologist near you, a family doctor or a hospital can send you on to one.",
                Source.CAUTION,
            ),
        ),
        lists=((Sentence("Tell them if", Source.NG12), GO_ANYWAY[:-1]),),
    ),
    Outcome.SEE_SOON: Guidance(
        Outcome.SEE_SOON,
        Sentence("Have it looked at soon", Source.NG12),
        (
            Sentence(
                "A doctor should look at it in the next weeks. Make an appointment now, so that it is not forgotten.",
                Source.NG12,
            ),
            Sentence("Until then, look at the spot once a week and take a photo each time.", Source.CAUTION),
        ),
        signs=ABCDE,
        lists=((GO_ANYWAY_TITLE, GO_ANYWAY),),
    ),
    Outcome.WATCH: Guidance(
        Outcome.WATCH,
        Sentence("Keep an eye on it, and know when to go", Source.AAD),
        (
            Sentence(
                "Few signs in a photo do not rule a cancer out. Look at the spot once a month and take a photo each "
                "time. Show it to a doctor at your next visit.",
                Source.AAD,
            ),
        ),
        signs=ABCDE,
        lists=((GO_ANYWAY_TITLE, GO_ANYWAY),),
    ),
    Outcome.UNREADABLE: Guidance(
        Outcome.UNREADABLE,
        Sentence("We cannot read this image", Source.MODEL),
        (Sentence("This says nothing about your skin.", Source.MODEL),),
        lists=(
            (Sentence("Please try another photo", Source.MODEL), PHOTO_TIPS),
            (GO_ANYWAY_TITLE, GO_ANYWAY),
        ),
    ),
}
