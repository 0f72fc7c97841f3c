"""What the clinic knows and does; knows nothing of streamlit, gradio, `dashboard` or `training`."""
