"""Where to go: the clinics near a place, as a map and as a list, in a person's language."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from babel.numbers import format_decimal
from folium.elements import MacroElement
from folium.template import Template

from core.clinics.kind import ClinicKind
from core.clinics.nearest import ClinicIndex, Near
from core.clinics.places import Place, country_name
from core.guidance import Outcome, words
from core.languages import ENGLISH, Language
from dashboard import maps
from dashboard.clinic_words import ListedClinic, web_address
from dashboard.screening.answers import note, text

CLINICS_SHOWN = 6
CENTRES_FIRST = 3
"""So many cancer centres head the list where the outcome is urgent."""

Position = tuple[float, float]


def nearest_clinics(
    clinics: Sequence[ListedClinic], here: Position, *, outcome: Outcome | None
) -> list[Near[ListedClinic]]:
    """The nearest clinics; where the outcome is urgent, cancer centres come first. Raises Invalid for no position."""
    index = clinics if isinstance(clinics, ClinicIndex) else ClinicIndex(clinics)
    latitude, longitude = here
    found = index.nearest(latitude=latitude, longitude=longitude, limit=CLINICS_SHOWN)
    if outcome is not Outcome.SEE_NOW:
        return found
    centres = index.nearest(
        latitude=latitude, longitude=longitude, limit=CENTRES_FIRST, kinds={ClinicKind.CANCER_CENTRE}
    )
    firsts = {id(near.clinic) for near in centres}
    return [*centres, *(near for near in found if id(near.clinic) not in firsts)][:CLINICS_SHOWN]


def clinic_list(language: Language, title: str, found: Sequence[Near[Any]], *, others: Sequence[Place] = ()) -> str:
    """The clinics near the place called `title`, and other places that may have been meant."""
    if not found:
        return note(language, words.PLACES_NONE)
    rows = "".join(_row(language, near) for near in found)
    names = " · ".join(text(place_title(language, place)) for place in others)
    meant = f"<p class='note'>{text(language.translate(words.PLACE_OTHERS))} {names}</p>" if others else ""
    return f"<h3>{text(title)}</h3><ol class='clinics'>{rows}</ol>{meant}{note(language, words.PLACES_NOTE)}"


def place_title(language: Language, place: Place) -> str:
    """A place with its country, as this language calls the country."""
    return f"{place.name}, {_country(language, place.country)}"


def _country(language: Language, code: str) -> str:
    return country_name(code) if language == ENGLISH else language.locale.territories.get(code, country_name(code))


def _row(language: Language, near: Near[Any]) -> str:
    clinic = near.clinic
    return (
        f"<li><b>{text(clinic.name)}</b><span class='distance'>{text(_distance(language, near.distance_km))}</span>"
        + "".join(f"<div>{text(line)}</div>" for line in _lines(language, clinic))
        + f"<div class='ways'>{' '.join(_links(language, clinic))}</div></li>"
    )


def _lines(language: Language, clinic: ListedClinic) -> list[str]:
    kind = language.translate(words.KINDS[clinic.kind])
    lines = [f"{kind} · {clinic.city}, {_country(language, clinic.country)}"]
    if clinic.address:
        lines.append(clinic.address)
    if clinic.opening_hours:
        lines.append(f"{language.translate(words.OPENING_HOURS)}: {clinic.opening_hours}")
    if clinic.position_approximate:
        lines.append(language.translate(words.APPROXIMATE))
    return lines


def _distance(language: Language, kilometres: float) -> str:
    if kilometres < 1:
        return language.translate(words.UNDER_ONE)
    number = format_decimal(round(kilometres), locale=language.locale)
    return language.translate(words.DISTANCE).format(kilometres=number)


def _links(language: Language, clinic: ListedClinic) -> list[str]:
    links = []
    if clinic.phone:
        dialled = "".join(sign for sign in clinic.phone if sign in "+0123456789")
        links.append(f"<a href='tel:{dialled}' dir='ltr'>{text(clinic.phone)}</a>")
    if address := web_address(clinic.website):
        links.append(_outside(address, language.translate(words.WEBSITE)))
    # A position that is only the town's would lead to the wrong door: the map service then looks for the name.
    spot = f"{clinic.latitude:.5f},{clinic.longitude:.5f}"
    target = f"{clinic.name}, {clinic.city}, {clinic.country}" if clinic.position_approximate else spot
    route = urlencode({"api": "1", "destination": target})
    links.append(_outside(f"https://www.google.com/maps/dir/?{route}", language.translate(words.DIRECTIONS)))
    links.append(f"<a href='geo:{spot}?q={quote(target)}'>{text(language.translate(words.IN_MAP_APP))}</a>")
    return links


def _outside(address: str, name: str) -> str:
    return f"<a href='{text(address)}' target='_blank' rel='noopener noreferrer'>{text(name)}</a>"


class _Choosing(MacroElement):
    """Tells the page around the map where it was clicked."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            {{ this._parent.get_name() }}.on("click", ({ latlng }) => {
                const { lat, lng } = latlng.wrap();
                window.parent.postMessage({ latitude: lat, longitude: lng }, window.origin);
            });
        {% endmacro %}
    """)


HEAR_MAP = """
window.addEventListener("message", (event) => {
    const frame = element.querySelector("iframe");
    if (frame && event.source === frame.contentWindow && typeof event.data.latitude === "number")
        trigger("select", { latitude: event.data.latitude, longitude: event.data.longitude });
});
"""
"""What hands a click on the map to the server."""


def map_frame(
    language: Language,
    clinics: Sequence[ListedClinic],
    *,
    files: str,
    dark: bool,
    here: Position | None = None,
    title: str = "",
    found: Sequence[Near[Any]] = (),
) -> str:
    """A map in a frame, which needs nothing from outside; a click on it chooses a place.

    `files` is where this server has `dashboard/static`: the dashboard's own address for it asks for a session.
    """
    shown = [near.clinic for near in found] if here else clinics
    # Without tiles: asking a stranger's server for them would tell it where the person is.
    canvas = maps.clinic_map(
        shown,
        origin=here,
        nearest=found,
        origin_name=title,
        dark=dark,
        tiles=False,
        kind_titles={kind: language.translate(name) for kind, name in words.KINDS.items()},
        describe=lambda clinic, near: [
            *_lines(language, clinic),
            *([_distance(language, near.distance_km)] if near else []),
        ],
    )
    canvas.add_child(_Choosing())
    page = canvas.get_root().render().replace(maps.STATIC, files)
    name = text(language.translate(words.MAP_TITLE))
    return f"<iframe class='map' title='{name}' srcdoc='{text(page)}'></iframe>{note(language, words.MAP_NOTE)}"
