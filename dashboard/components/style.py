"""What the theme in .streamlit/config.toml cannot say."""

from pathlib import Path

import streamlit as st

LOGO = str(Path(__file__).parents[1] / "static" / "logo.svg")

_CSS = """
<style>
  .block-container { padding-top: 3.2rem; padding-bottom: 4rem; max-width: 78rem; }
  h1 { font-size: 1.75rem !important; padding-bottom: .25rem !important; }
  h2 { font-size: 1.3rem !important; }
  h3 { font-size: 1.08rem !important; }
  .st-key-banner { border-left: 4px solid var(--st-primary-color, #0f766e); border-radius: 10px; padding: .7rem 1rem;
    background: color-mix(in srgb, currentColor 4%, transparent); }
  .st-key-banner { min-height: 3.2rem; align-items: center !important; margin-bottom: .5rem; }
  .st-key-banner [data-testid="stMarkdownContainer"] p, .st-key-banner p { margin: 0 !important; line-height: 1.5; }
  [data-testid="stMarkdownContainer"] > p:last-child { margin-bottom: 0; }
</style>
"""


def apply_style() -> None:
    """Add the style to the page."""
    st.html(_CSS)
