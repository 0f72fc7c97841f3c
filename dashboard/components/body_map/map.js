const SVG = "http://www.w3.org/2000/svg";
// In units of the drawings, of which one is about a pixel on the screen.
const RADIUS = 11, APART = 23, STEP = 8, FINE_STEP = 2;
const SHAPES = {
  new: "M11 0A11 11 0 1 1 -11 0A11 11 0 1 1 11 0Z",
  watched: "M-8 -10.5H8A2.5 2.5 0 0 1 10.5 -8V8A2.5 2.5 0 0 1 8 10.5H-8A2.5 2.5 0 0 1 -10.5 8V-8A2.5 2.5 0 0 1 -8 -10.5Z",
  changed: "M0 -15L15 0L0 15L-15 0Z",
  suspicious: "M0 -17L17 12H-17Z",
  excised: "M-10.5 -10.5H10.5V10.5H-10.5Z",
  resolved: "M11 0A11 11 0 1 1 -11 0A11 11 0 1 1 11 0Z",
};

function make(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function pinShape(state, number) {
  const pin = make("g", { class: `pin ${state}` });
  pin.append(make("path", { class: "shape", d: SHAPES[state] }));
  pin.append(make("text", { y: state === "suspicious" ? 8 : 4, class: number > 99 ? "long" : "" }, number));
  return pin;
}

// Pins that would cover each other move apart; a line leads from each to its place.
function apart(pins, width, height) {
  const spots = pins.map((pin) => ({ pin, x: pin.x * width, y: pin.y * height, atX: pin.x * width, atY: pin.y * height }));
  for (let round = 0; round < 60; round++) {
    let moved = false;
    spots.forEach((one, i) => spots.slice(i + 1).forEach((other, k) => {
      let dx = other.x - one.x, dy = other.y - one.y, distance = Math.hypot(dx, dy);
      if (distance >= APART) return;
      if (distance < 0.1) { dx = Math.cos(i + k); dy = Math.sin(i + k); distance = 1; }
      const push = (APART - distance) / 2 + 0.1;
      one.x -= (dx / distance) * push; one.y -= (dy / distance) * push;
      other.x += (dx / distance) * push; other.y += (dy / distance) * push;
      moved = true;
    }));
    if (!moved) break;
  }
  for (const spot of spots) {
    spot.x = Math.min(width - RADIUS, Math.max(RADIUS, spot.x));
    spot.y = Math.min(height - RADIUS, Math.max(RADIUS, spot.y));
  }
  return spots;
}

// The region at a point of the drawing, in its units; none beside the body. A point between two regions takes the nearest.
function regionAt(svg, x, y) {
  const point = svg.createSVGPoint();
  [point.x, point.y] = [x, y];
  if (!svg.querySelector(".skin").isPointInFill(point)) return null;
  const regions = [...svg.querySelectorAll(".regions path")];
  for (const radius of [0, 2, 4, 8, 16]) {
    for (let turn = 0; turn < (radius ? 8 : 1); turn++) {
      [point.x, point.y] = [x + radius * Math.cos(turn * Math.PI / 4), y + radius * Math.sin(turn * Math.PI / 4)];
      const found = regions.find((region) => region.isPointInFill(point));
      if (found) return found;
    }
  }
  return null;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".body-map");
  const where = root.querySelector(".where");
  const idle = data.placing
    ? "Click the body to place a lesion. By keyboard: Tab to the body, arrow keys, Enter."
    : "Click a pin to open its lesion.";
  const tell = (region) => { where.textContent = region ? REGIONS[region.id] : idle; };
  const open = (pin) => setTriggerValue("opened", pin.id);

  const show = (view) => {
    root.dataset.view = view;
    root.querySelectorAll(".view").forEach((panel) => { panel.hidden = panel.dataset.view !== view; });
    root.querySelectorAll("[role=tab]").forEach((tab) => {
      const chosen = tab.dataset.view === view;
      tab.setAttribute("aria-selected", chosen);
      tab.tabIndex = chosen ? 0 : -1;
    });
    tell(null);
  };

  const tabs = [...root.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, position) => {
    const count = data.pins.filter((pin) => pin.view === tab.dataset.view).length;
    tab.querySelector(".count").textContent = count ? ` ${count}` : "";
    tab.onclick = () => show(tab.dataset.view);
    tab.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = tabs[(position + step + tabs.length) % tabs.length];
      show(next.dataset.view);
      next.focus();
    };
  });

  const draw = (panel) => {
    const view = panel.dataset.view, svg = panel.querySelector("svg");
    const { width, height } = svg.viewBox.baseVal;
    const focused = root.getRootNode().activeElement?.dataset?.pin;
    svg.querySelectorAll(".over").forEach((element) => element.remove());
    const over = make("g", { class: "over" });
    svg.append(over);

    const spots = apart(data.pins.filter((pin) => pin.view === view), width, height);
    for (const { x, y, atX, atY } of spots) {
      if (Math.hypot(x - atX, y - atY) < 2) continue;
      over.append(make("line", { class: "lead", x1: atX, y1: atY, x2: x, y2: y }), make("circle", { class: "spot", cx: atX, cy: atY, r: 2.5 }));
    }
    for (const { pin, x, y } of spots) {
      const shown = pinShape(pin.state, pin.number);
      shown.append(make("circle", { class: "touch", r: 17 }), make("title", {}, pin.label));
      for (const [key, value] of Object.entries({ role: "link", tabindex: 0, "aria-label": pin.label, transform: `translate(${x} ${y})`, "data-pin": pin.id })) shown.setAttribute(key, value);
      shown.onclick = (event) => { event.stopPropagation(); open(pin); };
      shown.onkeydown = (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        open(pin);
      };
      over.append(shown);
      if (String(pin.id) === focused) shown.focus();
    }
    if (data.draft?.view === view) {
      const draft = make("g", { class: "draft", transform: `translate(${data.draft.x * width} ${data.draft.y * height})` });
      draft.append(make("circle", { r: 11 }), make("path", { d: "M-6 0H6M0 -6V6" }), make("title", {}, "The place chosen"));
      over.append(draft);
    }

    const cross = make("path", { class: "cross", d: "M-22 0H-7M7 0H22M0 -22V-7M0 7V22M3 0A3 3 0 1 1 -3 0A3 3 0 1 1 3 0Z" });
    over.append(cross);
    svg.crosshair ??= { x: width / 2, y: height / 3 };
    const mark = (region) => {
      svg.querySelectorAll(".regions .here").forEach((element) => element.classList.remove("here"));
      region?.classList.add("here");
      tell(region);
    };
    const moveCross = () => cross.setAttribute("transform", `translate(${svg.crosshair.x} ${svg.crosshair.y})`);
    moveCross();
    const choose = (x, y) => {
      const region = regionAt(svg, x, y);
      if (region) setTriggerValue("chosen", { region: region.id, x: x / width, y: y / height });
      else where.textContent = "That is beside the body.";
    };
    const spotOf = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());

    svg.classList.toggle("placing", data.placing);
    svg.setAttribute("role", data.placing ? "application" : "group");
    svg.setAttribute("aria-label", `${svg.querySelector("title").textContent}. ${idle}`);
    if (data.placing) svg.setAttribute("tabindex", 0); else svg.removeAttribute("tabindex");
    svg.onclick = !data.placing ? null : (event) => { const spot = spotOf(event); choose(spot.x, spot.y); };
    svg.onpointermove = !data.placing ? null : (event) => {
      if (event.pointerType === "touch") return;
      const spot = spotOf(event);
      mark(event.target.closest(".pin") ? null : regionAt(svg, spot.x, spot.y));
    };
    svg.onpointerleave = () => mark(null);
    svg.onblur = () => mark(null);
    svg.onkeydown = !data.placing ? null : (event) => {
      if (event.target !== svg) return;
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (way) {
        const step = event.shiftKey ? FINE_STEP : STEP;
        svg.crosshair = {
          x: Math.min(width, Math.max(0, svg.crosshair.x + way[0] * step)),
          y: Math.min(height, Math.max(0, svg.crosshair.y + way[1] * step)),
        };
        moveCross();
        const region = regionAt(svg, svg.crosshair.x, svg.crosshair.y);
        mark(region);
        if (!region) where.textContent = "Beside the body";
      } else if (event.key === "Enter" || event.key === " ") choose(svg.crosshair.x, svg.crosshair.y);
      else return;
      event.preventDefault();
    };
  };
  root.querySelectorAll(".view").forEach(draw);

  const legend = root.querySelector(".legend");
  legend.replaceChildren(...data.states.map(({ state, words }) => {
    const entry = document.createElement("li"), sign = make("svg", { viewBox: "-18 -18 36 36", "aria-hidden": true });
    const pin = pinShape(state, "");
    sign.append(pin);
    entry.append(sign, words);
    return entry;
  }));
  const first = data.pins.find((pin) => pin.view === "front") ?? data.pins[0];
  show(root.dataset.view ?? data.draft?.view ?? first?.view ?? "front");
}
