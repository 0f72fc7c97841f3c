"""The public page's words that say nothing medical. In braces stands what the page puts in."""

from core.clinics.kind import ClinicKind
from core.guidance.rules import Answer
from core.taxonomy import Group

TITLE = "Skin check"
INTRODUCTION = (
    "Show a photo of one spot on your skin. A program compares it with photos of nine kinds of skin changes, shows "
    "what it resembles most, and tells you what to do next and where to go."
)
LANGUAGE = "Language"
NEEDS_CHECK = (
    "The medical sentences on this page were translated and have not yet been checked by a doctor who speaks this "
    "language."
)
CONSENT_TITLE = "Before you start"
PRIVACY = (
    "Your photo, your answers and your place are used once, for this answer. They are not stored, not shared and not "
    "used for anything else."
)
CONSENT_BUTTON = "I understand, continue"

PHOTO_TITLE = "Your photo"
NOTHING_PERSONAL = "Nothing that shows who you are: no face, no name."
PHOTO_LABEL = "Choose or take a photo (JPEG, PNG, WebP, HEIC, TIFF or BMP)"
FROM_FILE = "Photo"
FROM_CAMERA = "Camera"
FROM_EXAMPLE = "Example"
CAMERA_LABEL = "Camera: hold the spot inside the circle, a hand's width away"
EXAMPLE_NOTE = "Drawn pictures, to try the page without a photo. What is said of a drawing means nothing."
EXAMPLE = "Example {number}"
PHOTO_READ = "The photo was read. Answer the questions, then show the answer."
PHOTO_NOT_READ = "This photo cannot be read:"
NOT_AN_IMAGE = "The file is no photo that can be opened here, or it is damaged."
CONCERNS = (
    "This picture is too dark to be read.",
    "This picture is too bright to be read.",
    "This picture shows hardly anything: all of it has one colour.",
    "This picture is too blurred to be read.",
    "This does not look like a picture of a skin lesion.",
    "This picture is unlike those that the model learned from.",
    "No class stands out.",
)
"""What `core.vision` says of a picture, word for word, so that the catalogues hold it."""
NO_PHOTO = "Please choose a photo first."
NO_FILE = "The photo did not arrive. Please choose it again."
TOO_LARGE = "This file is too large: the limit is {limit} MB. Please send a smaller copy."
NOT_WORKING = "Photos cannot be read at the moment. Please try again later. If the spot worries you, see a doctor now."
BUSY = "Many people are using this page right now. Please try again in a minute. If the spot worries you, see a doctor."

QUESTIONS_TITLE = "Questions about the spot"
QUESTIONS_NOTE = "Your answers count, whatever the photo shows. You may leave any of them out."
SHOW_ANSWER = "Show the answer"
ANSWERS = {Answer.YES: "Yes", Answer.NO: "No", Answer.NOT_SURE: "Not sure"}

WHY_TITLE = "Why"
MATCH_TITLE = "It resembles most"
MODEL = "Model {version}"
ALL_MATCHES_TITLE = "All nine kinds compared"
REGION_TITLE = "What the program looked at"
REGION_SLIDER = "Strength of the colours"
ANOTHER_PHOTO = "You can choose another photo at any time, or change an answer and show the answer again."
PRINT = "Print or save this page"
SEND = "Send this advice to yourself"
COPIED = "The advice was copied. Paste it into a message to yourself."

PLACES_TITLE = "Where to go"
PLACES_NOTE = (
    "A list of well-known centres; a nearer doctor may not be in it. Distances are straight lines. Call, or look at "
    "the website, before you travel. In an emergency, call your local emergency number."
)
PLACE_LABEL = "Your town or city"
PLACE_HINT = "For example: Madurai, or Salem, India"
PLACE_BUTTON = "Find the nearest"
PLACE_UNKNOWN = "No place of that name was found. Try a larger town nearby, or add the country after a comma."
PLACE_OTHERS = "Not the right place? There is also:"
PLACES_NONE = "No clinic is listed yet."
HERE_BUTTON = "Use my location"
HERE_REFUSED = "Your location could not be found. Type your town, or choose it on the map."
HERE = "Your location"
MAP_BUTTON = "Choose on a map"
MAP_NOTE = "Touch or click the map where you are."
MAP_TITLE = "Map of the clinics"
CHOSEN = "The place you chose"
DISTANCE = "{kilometres} km"
UNDER_ONE = "under 1 km"
WEBSITE = "Website"
DIRECTIONS = "Directions"
IN_MAP_APP = "Open in a map app"
OPENING_HOURS = "Opening hours"
APPROXIMATE = "Shown at the town; the exact address is not known here."

KINDS = {
    ClinicKind.CANCER_CENTRE: "Cancer centre",
    ClinicKind.DERMATOLOGY: "Dermatology",
    ClinicKind.HOSPITAL: "Hospital",
}
GROUPS = {
    Group.MALIGNANT: "Malignant: cancer",
    Group.INDETERMINATE: "Precancerous: may become cancer",
    Group.BENIGN: "Not a cancer by its name",
}
