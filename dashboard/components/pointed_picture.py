"""A picture with points on it that are moved by pointer or keyboard: an outline to correct, or two ends of a length."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import streamlit as st
from PIL import Image as Picture

_HTML = """
<div class="frame"><svg xmlns="http://www.w3.org/2000/svg" tabindex="0" role="application"></svg></div>
<p class="help"></p>
<div class="buttons">
  <button type="button" class="undo">Undo</button>
  <button type="button" class="save"></button>
  <span class="state" role="status"></span>
</div>
"""

_CSS = """
:host, .frame { display: block; }
svg { width: 100%; display: block; touch-action: none; border-radius: .5rem; }
svg:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
.line { fill: none; stroke: #fff; stroke-width: 2.5; vector-effect: non-scaling-stroke; }
.line.under { stroke: #000; stroke-width: 4.5; opacity: .6; }
.point { fill: #fff; stroke: #0b6b62; stroke-width: 1.5; vector-effect: non-scaling-stroke; cursor: grab; }
.point.chosen { fill: #ffb000; stroke: #000; }
.hit { fill: transparent; cursor: grab; }
.help { font: .85rem var(--st-font); color: var(--st-text-color); opacity: .85; margin: .4rem 0; }
.buttons { display: flex; gap: .6rem; align-items: center; font: .9rem var(--st-font); color: var(--st-text-color); }
button { font: inherit; color: inherit; padding: .3rem .8rem; background: transparent; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: .5rem; }
button:disabled { opacity: .45; cursor: default; }
button:hover:enabled { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""

# Neighbours follow a dragged point, less the farther they are along the line, so that an outline stays smooth.
_JS = """
const SVG = "http://www.w3.org/2000/svg";
export default function ({ parentElement, data, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const svg = find("svg"), undo = find(".undo"), save = find(".save"), state = find(".state");
  const { width, height, closed, wanted, reach } = data;
  const shown = JSON.stringify([data.picture.length, data.points]);
  // Streamlit runs this again at every rerun of the page; what was drawn meanwhile stays.
  const kept = parentElement.pointed?.shown === shown ? parentElement.pointed
    : { shown, points: data.points.map((p) => [...p]), past: [], chosen: 0 };
  parentElement.pointed = kept;
  const radius = Math.max(width, height) / 130;
  const make = (name, attributes) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", data.label);
  find(".help").textContent = data.help;
  save.textContent = data.button;
  svg.replaceChildren(make("image", { href: data.picture, width, height, preserveAspectRatio: "none" }));
  const under = svg.appendChild(make(closed ? "polygon" : "polyline", { class: "line under" }));
  const line = svg.appendChild(make(closed ? "polygon" : "polyline", { class: "line" }));
  const dots = svg.appendChild(make("g", {}));
  const draw = () => {
    const path = kept.points.map((p) => p.join(",")).join(" ");
    under.setAttribute("points", path);
    line.setAttribute("points", path);
    dots.replaceChildren(...kept.points.flatMap(([cx, cy], index) => [
      make("circle", { cx, cy, r: radius * 2, class: "hit", "data-index": index }),
      make("circle", { cx, cy, r: index === kept.chosen ? radius * 1.3 : radius * .8, "data-index": index,
        class: index === kept.chosen ? "point chosen" : "point" }),
    ]));
    undo.disabled = !kept.past.length;
    save.disabled = kept.points.length < wanted || (closed && !kept.past.length);
  };
  const remember = () => kept.past.push(kept.points.map((p) => [...p]));
  const inside = (x, most) => Math.min(most, Math.max(0, x));
  const move = (from, index, dx, dy) => {
    const count = from.length;
    kept.points = from.map(([x, y], other) => {
      const straight = Math.abs(other - index);
      const apart = closed ? Math.min(straight, count - straight) : straight;
      const share = apart > reach ? 0 : (1 + Math.cos(Math.PI * apart / (reach + 1))) / 2;
      return [inside(x + share * dx, width), inside(y + share * dy, height)].map((v) => Math.round(v * 100) / 100);
    });
    draw();
  };
  const place = (event) => {
    const box = svg.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * width, (event.clientY - box.top) / box.height * height];
  };
  let drag = null;
  svg.onpointerdown = (event) => {
    const at = place(event);
    const index = event.target.dataset.index;
    if (index === undefined && kept.points.length < wanted) {
      remember();
      kept.points.push(at.map((v) => Math.round(v * 100) / 100));
      kept.chosen = kept.points.length - 1;
    } else if (index !== undefined) {
      kept.chosen = Number(index);
      drag = { at, from: kept.points.map((p) => [...p]), moved: false };
      svg.setPointerCapture(event.pointerId);
    }
    state.textContent = "";
    draw();
  };
  svg.onpointermove = (event) => {
    if (!drag) return;
    if (!drag.moved) { remember(); drag.moved = true; }
    const [x, y] = place(event);
    move(drag.from, kept.chosen, x - drag.at[0], y - drag.at[1]);
  };
  svg.onpointerup = svg.onpointercancel = () => { drag = null; };
  svg.onkeydown = (event) => {
    const step = (event.shiftKey ? 10 : 1) * Math.max(width, height) / 500;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    const count = kept.points.length;
    if (by && count) { remember(); move(kept.points, kept.chosen, ...by); }
    else if (event.key === "PageDown" && count) { kept.chosen = (kept.chosen + 1) % count; draw(); }
    else if (event.key === "PageUp" && count) { kept.chosen = (kept.chosen + count - 1) % count; draw(); }
    else if (event.key === "Enter" && count < wanted) {
      remember(); kept.points.push([width / 2, height / 2]); kept.chosen = count; draw();
    } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) back();
    else return;
    event.preventDefault();
    state.textContent = "";
  };
  const back = () => {
    if (!kept.past.length) return;
    kept.points = kept.past.pop();
    kept.chosen = Math.min(kept.chosen, Math.max(0, kept.points.length - 1));
    draw();
  };
  undo.onclick = back;
  save.onclick = () => { state.textContent = "Saving …"; setTriggerValue("saved", kept.points); };
  draw();
}
"""

_component = st.components.v2.component("pointed_picture", html=_HTML, css=_CSS, js=_JS)

_MOVE = "Arrow keys move the chosen point (with Shift: farther), Page Up and Page Down choose another."


def outline_editor(
    picture: Picture.Image, size: tuple[int, int], polygon: Sequence[Sequence[float]], *, key: str
) -> list[tuple[float, float]] | None:
    """An outline over its image, to be dragged into place; the points when they are saved, in pixels of `size`."""
    return _pointed(
        picture,
        size,
        polygon or _circle(size),
        key=key,
        closed=True,
        wanted=3,
        reach=max(1, len(polygon) // 20),
        label="Outline of the lesion over the image. " + _MOVE,
        help="Drag a point; its neighbours follow. " + _MOVE,
        button="Save the outline",
    )


def length_marks(picture: Picture.Image, size: tuple[int, int], *, key: str) -> list[tuple[float, float]] | None:
    """An image to be clicked at both ends of a known length; both points when saved, in pixels of `size`."""
    return _pointed(
        picture,
        size,
        [],
        key=key,
        closed=False,
        wanted=2,
        reach=0,
        label="Image on which to mark both ends of a known length. Enter adds a point. " + _MOVE,
        help="Click both ends of the known length (or press Enter twice). " + _MOVE,
        button="Set the scale",
    )


def _pointed(
    picture: Picture.Image, size: tuple[int, int], points: Sequence[Sequence[float]], *, key: str, **how: Any
) -> list[tuple[float, float]] | None:
    width, height = size
    data = {
        "picture": _data_url(picture),
        "width": width,
        "height": height,
        "points": [list(point) for point in points],
        **how,
    }
    result = _component(key=key, data=data, on_saved_change=lambda: None)
    return [(float(x), float(y)) for x, y in result.saved] if result.saved else None


def _data_url(picture: Picture.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _circle(size: tuple[int, int]) -> list[tuple[float, float]]:
    """To begin with where the network found nothing: 24 corners around the middle."""
    width, height = size
    turns = [complex(0, 1) ** (index / 6) * min(size) / 4 for index in range(24)]
    return [(width / 2 + turn.real, height / 2 + turn.imag) for turn in turns]
