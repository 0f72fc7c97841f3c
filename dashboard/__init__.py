"""What people see: the Streamlit pages, the public Gradio page, and the server that carries both."""
