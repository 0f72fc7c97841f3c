"""Who is signed in, the way out, and a watch in the browser that leaves the page when the session is over."""

import streamlit as st

CHECK_SECONDS = 20
"""So often the browser asks whether the session lasts, while nobody does anything."""

SOON_SECONDS = 2
"""So soon after a click or a key: Streamlit itself would show an error of the connection first."""

_HTML = """
<form method="post" action="/sign-out">
  <span id="who"></span>
  <button type="submit">Sign out</button>
</form>
"""

_CSS = """
form { display: flex; align-items: center; justify-content: flex-end; gap: .8rem; margin: 0;
  font-family: var(--st-font); font-size: .85rem; color: var(--st-text-color); }
span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; opacity: .85; }
button { font: inherit; color: inherit; padding: .15rem .6rem; background: transparent; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: .5rem; white-space: nowrap; }
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""

# Typing a long note is work too, though the server hears nothing of it until it is sent: the watch says so with a POST.
_JS = """
export default function ({ parentElement, data }) {
  parentElement.querySelector("#who").textContent = data.who;
  const leave = () => {
    const here = encodeURIComponent(window.location.pathname + window.location.search);
    window.location.assign(`/sign-in?why=ended&next=${here}`);
  };
  let active = false, soon = null, checked = 0;
  const check = async () => {
    const method = active ? "POST" : "GET";
    clearTimeout(soon);
    active = false; soon = null; checked = Date.now();
    try {
      const answer = await fetch("/session", { method, headers: { Accept: "application/json" } });
      if (answer.status === 401) leave();
    } catch { /* The server is away for a moment; the next check tells. */ }
  };
  const noted = () => {
    active = true;
    soon ??= setTimeout(check, Math.max(0, checked + data.soon * 1000 - Date.now()));
  };
  const events = ["keydown", "pointerdown", "wheel", "touchstart"];
  events.forEach((name) => window.addEventListener(name, noted, { passive: true }));
  // A tablet that wakes up has missed its checks.
  window.addEventListener("focus", check);
  const timer = setInterval(check, data.seconds * 1000);
  return () => {
    clearInterval(timer);
    clearTimeout(soon);
    window.removeEventListener("focus", check);
    events.forEach((name) => window.removeEventListener(name, noted));
  };
}
"""

_component = st.components.v2.component("session_guard", html=_HTML, css=_CSS, js=_JS)


def session_guard(who: str) -> None:
    """Show `who` is signed in, with the sign-out button, and watch the session."""
    _component(key="session_guard", data={"who": who, "seconds": CHECK_SECONDS, "soon": SOON_SECONDS})
