"""What the theme in .streamlit/config.toml cannot say."""

from pathlib import Path

import streamlit as st

LOGO = str(Path(__file__).parents[1] / "static" / "logo.svg")

_CSS = """
<style>
  .block-container { padding-top: 4rem; padding-bottom: 4rem; max-width: 78rem; }
  .block-container > div > [data-testid="stVerticalBlock"] { gap: .8rem; }
  h1 { font-size: 1.75rem !important; padding: 0 0 .25rem !important; }
  h2 { font-size: 1.3rem !important; }
  h3 { font-size: 1.08rem !important; }
  .st-key-banner { border-left: 4px solid #14978a; border-radius: 10px; padding: .6rem 1rem;
    background: color-mix(in srgb, currentColor 5%, transparent); }
  /* The dark theme's primary colour is bright: white on it could not be read. */
  [data-testid^="stBaseButton-primary"]:not(:disabled) { color: light-dark(#ffffff, #06201d); }
  /* On a tablet the lists of Home stand one under the other, so that no row breaks. */
  @media (max-width: 1000px) {
    .st-key-lists [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"]) { flex-wrap: wrap; }
    .st-key-lists [data-testid="stColumn"] { min-width: 100%; }
  }
</style>
"""


def apply_style() -> None:
    """Add the style to the page."""
    st.html(_CSS)
