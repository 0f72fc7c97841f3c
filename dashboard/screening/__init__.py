"""The public screening page: one photo, an honest answer, the way to a doctor, and nothing kept.

It is a Gradio page that works alone at /screening and in a frame of the dashboard, where `?__theme=dark` gives it the
dark theme. It reads through the same intake and reader as the dashboard, and opens nothing of the records but the
directory of clinics.
"""

from dashboard.screening.app import screening_app

__all__ = ["screening_app"]
