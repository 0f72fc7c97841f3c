// Two images, the second laid over the first by `data.fit`, in five views that share one zoom and one position.
// Lengths in `fit` are widths of the images; on the screen everything follows from the stage's width.

const MODES = { slider: "Slider", blink: "Blink", overlay: "Overlay", difference: "Difference", side: "Side by side" };
const SETTINGS = { slider: "Divider", overlay: "Share of the later image" };
const BLINK_MILLISECONDS = 700; // Far below three flashes a second, which can bring on seizures.
const MOST_ZOOM = 12;
const TALLEST = 0.6; // Of the window's height.

const kept = new WeakMap();

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".compare");
  const one = (selector, within = root) => within.querySelector(selector);
  const all = (selector, within = root) => [...within.querySelectorAll(selector)];
  const [left, right] = all(".stage");
  const [lower, upper] = [one(".lower"), one(".upper")];
  const range = one("input");
  const modes = data.fit ? Object.keys(MODES) : ["side"];

  // A rerun of the page with the same two images goes on where the person was.
  let state = kept.get(parentElement);
  if (state?.pair !== data.pair) {
    const shared = { slider: 50, overlay: 50, zoom: 1, x: 0, y: 0, heat: false, later: false, paused: false };
    state = { ...shared, pair: data.pair, mode: modes[0] };
    kept.set(parentElement, state);
  }

  const ending = new AbortController();
  const on = (target, event, act, options = {}) => target.addEventListener(event, act, { ...options, signal: ending.signal });
  const width = () => left.clientWidth || 1;
  const height = () => left.clientHeight || 1;
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  one(".modes").replaceChildren(...modes.map((mode) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: MODES[mode] });
    button.setAttribute("role", "radio");
    button.dataset.mode = mode;
    on(button, "click", () => choose(mode));
    on(button, "keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      choose(modes[(modes.indexOf(state.mode) + step + modes.length) % modes.length]);
      one(`[data-mode="${state.mode}"]`).focus();
    });
    return button;
  }));
  all(".tag.first").forEach((tag) => { tag.textContent = data.first.label; });
  all(".tag.second").forEach((tag) => { tag.textContent = data.second.label; });

  function choose(mode) {
    state.mode = mode;
    lay();
  }

  // How large the stages are; everything else is drawn into them.
  function lay() {
    const side = state.mode === "side";
    right.hidden = !side;
    const room = root.clientWidth || 600;
    const columns = side && room > 520 ? 2 : 1;
    const wide = Math.floor(Math.min((room - (columns - 1) * 13) / columns, window.innerHeight * TALLEST * data.aspect));
    for (const stage of [left, right]) {
      stage.style.width = `${wide}px`;
      stage.style.height = `${Math.round(wide / data.aspect)}px`;
    }
    draw();
  }

  function placed(image, fit) {
    const w = width();
    if (fit) {
      const [[a, c, e], [b, d, f]] = fit;
      image.style.transform = `matrix(${a}, ${b}, ${c}, ${d}, ${e * w}, ${f * w})`;
      return;
    }
    // Not laid over the first: as large as the stage allows, in its middle.
    const scale = Math.min(1, data.second.aspect / data.aspect);
    const down = (height() - (w * scale) / data.second.aspect) / 2;
    image.style.transform = `translate(${(w * (1 - scale)) / 2}px, ${down}px) scale(${scale})`;
  }

  // The second image's corners, in hundredths of the first image's width and height.
  function outline() {
    const high = 1 / data.second.aspect;
    return [[0, 0], [1, 0], [1, high], [0, high]].map(([x, y]) => {
      const [across, down] = data.fit.map(([a, b, c]) => a * x + b * y + c);
      return `${100 * across}% ${100 * down * data.aspect}%`;
    }).join(", ");
  }

  function shown(image, side) {
    const address = (state.heat && side.heat) || side.image;
    if (image.src !== address) image.src = address;
    image.alt = `${side.label}${state.heat && side.heat ? ", with heat map" : ""}`;
  }

  function draw() {
    const { mode } = state;
    // What is looked at never leaves the stage altogether.
    state.zoom = clamp(state.zoom, 1, MOST_ZOOM);
    state.x = clamp(state.x, width() * (1 - state.zoom), 0);
    state.y = clamp(state.y, height() * (1 - state.zoom), 0);
    for (const world of all(".world")) world.style.transform = `translate(${state.x}px, ${state.y}px) scale(${state.zoom})`;
    for (const stage of [left, right]) stage.style.touchAction = state.zoom > 1 ? "none" : "pan-y";

    const [below, above] = all("img", left);
    const beside = one("img", right);
    shown(below, data.first);
    shown(above, data.second);
    shown(beside, data.second);
    placed(above, data.fit);
    placed(beside, data.fit);

    // What one image does not show is left dark, never filled from the other.
    lower.hidden = mode === "blink" && state.later;
    lower.style.clipPath = mode === "slider" ? `inset(0 ${100 - state.slider}% 0 0)` : "";
    upper.hidden = mode === "side" || (mode === "blink" && !state.later);
    upper.style.clipPath = mode === "slider" ? `inset(0 0 0 ${state.slider}%)` : "";
    upper.style.opacity = mode === "overlay" ? state.overlay / 100 : 1;
    upper.style.mixBlendMode = mode === "difference" ? "difference" : "";
    // Where the second image shows nothing there is no difference to see.
    below.style.clipPath = mode === "difference" ? `polygon(${outline()})` : "";
    one(".both").style.filter = mode === "difference" ? "brightness(2.5)" : "";
    one(".divider").hidden = mode !== "slider";
    one(".divider").style.left = `${state.slider}%`;
    one(".tag.first", left).hidden = mode === "blink" && state.later;
    one(".tag.second", left).hidden = mode === "side" || (mode === "blink" && !state.later);

    for (const button of all("[data-mode]")) {
      button.setAttribute("aria-checked", button.dataset.mode === mode);
      button.tabIndex = button.dataset.mode === mode ? 0 : -1;
    }
    one(".zoom").textContent = `${Math.round(state.zoom * 100)}%`;
    one("[data-do=heat]").setAttribute("aria-pressed", state.heat);
    one("[data-do=heat]").disabled = !data.first.heat && !data.second.heat;
    one("[data-do=blink]").hidden = mode !== "blink";
    one("[data-do=blink]").textContent = state.paused ? "Go on" : "Pause";
    for (const part of ["label", ".moves"]) one(part).hidden = !(mode in SETTINGS);
    if (mode in SETTINGS) {
      one(".name").textContent = SETTINGS[mode];
      range.value = state[mode];
      range.setAttribute("aria-valuetext", `${Math.round(state[mode])}%`);
    }
    left.setAttribute("aria-label", mode === "side" ? data.first.label : `${MODES[mode]}: ${data.first.label} and ${data.second.label}`);
    right.setAttribute("aria-label", data.second.label);
  }

  // `x` and `y`, on the stage, stay where they are.
  function zoomTo(zoom, x = width() / 2, y = height() / 2) {
    const next = clamp(zoom, 1, MOST_ZOOM);
    state.x = x - ((x - state.x) * next) / state.zoom;
    state.y = y - ((y - state.y) * next) / state.zoom;
    state.zoom = next;
    draw();
  }

  function fit() {
    Object.assign(state, { zoom: 1, x: 0, y: 0 });
    draw();
  }

  function setTo(value) {
    if (!(state.mode in SETTINGS)) return;
    state[state.mode] = clamp(value, 0, 100);
    draw();
  }

  const actions = {
    heat: () => { state.heat = !state.heat; draw(); },
    in: () => zoomTo(state.zoom * 1.4),
    out: () => zoomTo(state.zoom / 1.4),
    fit,
    blink: () => { state.paused = !state.paused; draw(); },
  };
  for (const button of all("[data-do]")) on(button, "click", () => actions[button.dataset.do]());
  on(range, "input", () => setTo(Number(range.value)));

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step && event.shiftKey) {
      state.x -= step[0] * 40;
      state.y -= step[1] * 40;
      draw();
    } else if (step && step[0] && state.mode in SETTINGS) setTo(state[state.mode] + 2 * step[0]);
    else if (event.key === "+" || event.key === "=") actions.in();
    else if (event.key === "-") actions.out();
    else if (event.key === "0") fit();
    else if (event.key === " " && state.mode === "blink") actions.blink();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const pointers = new Map();
  let dividing = false;

  function spot(stage, event) {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  function apart() {
    const [p, q] = [...pointers.values()];
    return { far: Math.hypot(p.x - q.x, p.y - q.y) || 1, x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 };
  }

  function moved(stage, event) {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = spot(stage, event);
    const pinch = pointers.size === 2 ? apart() : null;
    pointers.set(event.pointerId, now);
    if (pinch) {
      const next = apart();
      state.x += next.x - pinch.x;
      state.y += next.y - pinch.y;
      zoomTo((state.zoom * next.far) / pinch.far, next.x, next.y);
    } else if (dividing) setTo((100 * now.x) / width());
    else {
      state.x += now.x - before.x;
      state.y += now.y - before.y;
      draw();
    }
  }

  for (const stage of [left, right]) {
    on(stage, "keydown", pressed);
    on(stage, "pointerdown", (event) => {
      const here = spot(stage, event);
      pointers.set(event.pointerId, here);
      stage.setPointerCapture(event.pointerId);
      // The divider has a broad grip; where nothing is zoomed there is nothing else to move.
      const close = Math.abs(here.x - (state.slider / 100) * width()) < 28;
      dividing = state.mode === "slider" && pointers.size === 1 && (close || state.zoom === 1);
      if (dividing) setTo((100 * here.x) / width());
    });
    on(stage, "pointermove", (event) => moved(stage, event));
    for (const end of ["pointerup", "pointercancel"]) on(stage, end, (event) => pointers.delete(event.pointerId));
    // A pinch on a touchpad comes as a turn of the wheel with Ctrl; the plain wheel goes on scrolling the page.
    on(stage, "wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const here = spot(stage, event);
      zoomTo(state.zoom * Math.exp(-event.deltaY / 200), here.x, here.y);
    }, { passive: false });
  }

  const blinking = setInterval(() => {
    if (state.mode !== "blink" || state.paused) return;
    state.later = !state.later;
    draw();
  }, BLINK_MILLISECONDS);
  const watching = new ResizeObserver(lay);
  watching.observe(root);
  on(window, "resize", lay);
  lay();

  return () => {
    ending.abort();
    clearInterval(blinking);
    watching.disconnect();
  };
}
