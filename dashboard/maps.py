"""The clinic map: a Folium map that needs nothing from the internet.

Folium's own map loads eight files from content networks, and without them it stays blank. Here Leaflet comes from
`dashboard/static`, which Streamlit serves at /app/static where `server.enableStaticServing` is on, and all that stands
on the map is drawn by `static/clinics/map.js`: outlines of countries, clinics, the origin and a legend. OpenStreetMap's
tiles lie on top of the outlines where they load; where they do not, nothing shows that they were tried.

Names and addresses reach the page as JSON and become text nodes, never HTML, so that no entry of the directory can
bring markup or a script with it.

In a page: `st_folium(clinic_map(...), key="clinics", height=520, use_container_width=True, returned_objects=[])`.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import folium
from folium.elements import MacroElement
from folium.template import Template
from jinja2.utils import htmlsafe_json_dumps

from core.clinics.kind import ClinicKind
from core.clinics.nearest import EARTH_RADIUS_KM, Near
from core.clinics.places import country_name
from dashboard.clinic_words import KIND_TITLES, ListedClinic, distance_text, web_address

STATIC = "/app/static"
"""Where Streamlit serves `dashboard/static`."""

Position = tuple[float, float]
"""Latitude and longitude in degrees."""

Describe = Callable[[ListedClinic, Near[Any] | None], Sequence[str]]
"""What to say of a clinic, in lines; with its distance where it is one of the nearest."""

_RINGS = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0)
_WHOLE_WORLD = ((-50.0, -120.0), (65.0, 150.0))
_TILES = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
_TILES_CREDIT = '© <a href="https://www.openstreetmap.org/copyright" target="_blank">OpenStreetMap</a> contributors'
# OpenStreetMap serves only who says where they come from; this names the host and nothing more.
_REFERRER = "strict-origin-when-cross-origin"
_EMPTY_TILE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

_LIGHT = {
    "sea": "#dbe5ec", "land": "#f7f5f0", "border": "#c0c6cb", "paper": "#ffffff", "ink": "#1f2937", "faint": "#55606e",
    "link": "#0b62a3", "origin": "#111827", "on-kind": "#ffffff", "tile-filter": "none",
}  # fmt: skip
_DARK = {
    "sea": "#10171f", "land": "#25303b", "border": "#46545f", "paper": "#1b242e", "ink": "#e5e9ee", "faint": "#a8b4c0",
    "link": "#7cc4f5", "origin": "#ffffff", "on-kind": "#10171f",
    "tile-filter": "invert(1) hue-rotate(180deg) brightness(.85) contrast(.9)",
}  # fmt: skip
# Apart in lightness as well as in hue, for readers who tell few colours apart (after Okabe and Ito).
_LIGHT_KINDS = {
    ClinicKind.CANCER_CENTRE: "#b83280",
    ClinicKind.DERMATOLOGY: "#0b62a3",
    ClinicKind.HOSPITAL: "#0a7a64",
}
_DARK_KINDS = {
    ClinicKind.CANCER_CENTRE: "#f687b3",
    ClinicKind.DERMATOLOGY: "#63b3ed",
    ClinicKind.HOSPITAL: "#4fd1b5",
}


@dataclass(frozen=True)
class _Card:
    """What is said of one clinic when its spot is chosen."""

    name: str
    lines: tuple[str, ...]
    phone: str | None
    website: str | None


@dataclass(frozen=True)
class _Spot:
    """One dot, with every clinic that stands there. `label` is its rank among the nearest, or empty."""

    at: Position
    colour: str
    label: str
    cards: tuple[_Card, ...]


def clinic_map(
    clinics: Iterable[ListedClinic],
    *,
    origin: Position | None = None,
    nearest: Sequence[Near[Any]] = (),
    origin_name: str = "Your chosen place",
    dark: bool = False,
    tiles: bool = True,
    rings: Sequence[float] = (),
    kind_titles: Mapping[ClinicKind, str] = KIND_TITLES,
    describe: Describe | None = None,
) -> folium.Map:
    """A map of `clinics`, showing at first what matters: `origin` and `nearest`, or else all of them.

    Args:
        clinics: what to show; those in `nearest` need not be among them.
        origin: the place from which the distances are meant.
        nearest: the answer of `core.clinics.nearest`; they are numbered in its order and joined to the origin.
        origin_name: what the origin is called on the map.
        dark: for a page in the dark theme.
        tiles: try OpenStreetMap's tiles on top of the outlines.
        rings: kilometres from the origin at which a ring is drawn.
        kind_titles: what the legend calls the kinds.
        describe: the lines under a clinic's name, in English where not given.
    """
    colours = _DARK_KINDS if dark else _LIGHT_KINDS
    spots = _spots(clinics, nearest, origin=origin, colours=colours, describe=describe or _description)
    legend = [{"title": kind_titles[kind], "colour": colour} for kind, colour in colours.items()]
    canvas = folium.Map(tiles=None, min_zoom=2, max_zoom=16, zoom_snap=0.5, control_scale=True, font_size="14px")
    canvas.default_js = [
        ("leaflet", f"{STATIC}/leaflet/leaflet.js"),
        ("markercluster", f"{STATIC}/markercluster/leaflet.markercluster.js"),
        ("clinic_map", f"{STATIC}/clinics/map.js"),
    ]
    canvas.default_css = [
        ("leaflet_css", f"{STATIC}/leaflet/leaflet.css"),
        ("markercluster_css", f"{STATIC}/markercluster/MarkerCluster.css"),
        ("clinic_map_css", f"{STATIC}/clinics/map.css"),
    ]
    if tiles:
        folium.TileLayer(
            _TILES, attr=_TILES_CREDIT, error_tile_url=_EMPTY_TILE, max_zoom=16, referrer_policy=_REFERRER
        ).add_to(canvas)
    canvas.add_child(_Drawing(spots, legend, origin=origin, origin_name=origin_name, dark=dark, rings=rings))
    ranked = [spot.at for spot in spots if spot.label]
    shown = [*(ranked or [spot.at for spot in spots]), *([origin] if origin else [])]
    # The legend and the buttons stand at the top, and hide no spot there.
    canvas.fit_bounds(
        _corners(shown or _WHOLE_WORLD), padding_top_left=(40, 110), padding_bottom_right=(40, 40), max_zoom=10
    )
    return canvas


def _spots(
    clinics: Iterable[ListedClinic],
    nearest: Sequence[Near[Any]],
    *,
    origin: Position | None,
    colours: dict[ClinicKind, str],
    describe: Describe,
) -> list[_Spot]:
    """One spot for each place, however many clinics stand there; the nearest come last, and so lie on top."""
    ranks = {_key(near.clinic): (rank, near) for rank, near in enumerate(nearest, start=1)}
    known = {_key(clinic): clinic for clinic in [*clinics, *(near.clinic for near in nearest)]}
    spots = []
    for place, group in groupby(sorted(known.values(), key=_place), key=_place):
        here = sorted(group, key=lambda clinic: (ranks.get(_key(clinic), (len(ranks) + 1,))[0], clinic.name))
        numbers = [ranks[_key(clinic)][0] for clinic in here if _key(clinic) in ranks]
        cards = tuple(_card(clinic, describe(clinic, ranks.get(_key(clinic), (0, None))[1])) for clinic in here)
        at = _short_way_from(origin, place) if origin and numbers else place
        spots.append(_Spot(at, colours[here[0].kind], ", ".join(map(str, numbers)), cards))
    return sorted(spots, key=lambda spot: bool(spot.label))


def _key(clinic: ListedClinic) -> tuple[str, str, str, Position]:
    return clinic.name, clinic.city, clinic.country, _place(clinic)


def _place(clinic: ListedClinic) -> Position:
    return clinic.latitude, clinic.longitude


def _short_way_from(origin: Position, place: Position) -> Position:
    """`place` with a whole turn added or taken where its line from `origin` would else go the long way round."""
    latitude, longitude = place
    return latitude, longitude - 360 * round((longitude - origin[1]) / 360)


def _card(clinic: ListedClinic, lines: Sequence[str]) -> _Card:
    return _Card(clinic.name, tuple(lines), clinic.phone, web_address(clinic.website))


def _description(clinic: ListedClinic, near: Near[Any] | None) -> list[str]:
    lines = [f"{KIND_TITLES[clinic.kind]} · {clinic.city}, {country_name(clinic.country)}"]
    if near:
        lines.append(f"{distance_text(near.distance_km).capitalize()} away, as the crow flies")
    if clinic.address:
        lines.append(clinic.address)
    if clinic.opening_hours:
        lines.append(f"Open: {clinic.opening_hours}")
    if clinic.position_approximate:
        lines.append("Shown at the town; its exact place is not known here")
    return lines


def ring(centre: Position, kilometres: float, *, corners: int = 72) -> list[Position]:
    """The points that are so far from `centre` along the surface, as a closed line that never jumps in longitude."""
    latitude, longitude = map(math.radians, centre)
    angle = kilometres / EARTH_RADIUS_KM
    points: list[Position] = []
    for number in range(corners + 1):
        bearing = 2 * math.pi * number / corners
        sine = math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(bearing)
        east = math.atan2(
            math.sin(bearing) * math.sin(angle) * math.cos(latitude), math.cos(angle) - math.sin(latitude) * sine
        )
        turned = math.degrees(longitude + east)
        if points:
            turned -= 360 * round((turned - points[-1][1]) / 360)
        points.append((math.degrees(math.asin(max(-1.0, min(1.0, sine)))), turned))
    return points


def rings_for(nearest: Sequence[Near[Any]]) -> list[float]:
    """At most three round distances, the largest of which takes in all of `nearest` if 2,500 km do."""
    farthest = max((near.distance_km for near in nearest), default=0)
    enclosing = next((at for at, km in enumerate(_RINGS) if km >= farthest), len(_RINGS) - 1)
    return list(_RINGS[max(0, enclosing - 2) : enclosing + 1])


def _corners(points: Sequence[Position]) -> list[Position]:
    latitudes, longitudes = zip(*points, strict=True)
    return [(min(latitudes), min(longitudes)), (max(latitudes), max(longitudes))]


class _Drawing(MacroElement):
    """Everything on the map but the tiles, handed to `static/clinics/map.js`."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            drawClinicMap({{ this._parent.get_name() }}, {{ this.content }});
        {% endmacro %}
    """)

    def __init__(
        self,
        spots: Sequence[_Spot],
        legend: Sequence[dict[str, str]],
        *,
        origin: Position | None,
        origin_name: str,
        dark: bool,
        rings: Sequence[float],
    ) -> None:
        super().__init__()
        self._name = "Drawing"
        content = {
            "outlines": f"{STATIC}/outlines/countries.geojson",
            "colours": _DARK if dark else _LIGHT,
            "legend": legend,
            "spots": [asdict(spot) for spot in spots],
            "origin": {"at": origin, "name": origin_name} if origin else None,
            "rings": [{"name": distance_text(km), "points": ring(origin, km)} for km in rings] if origin else [],
        }
        # Folium renders what this element renders a second time as a Jinja template, on the server: no text of ours may
        # open an expression there. JSON itself never has a brace before any of these three signs.
        self.content = re.sub(r"\{(?=[{%#])", r"\\u007b", htmlsafe_json_dumps(content))
