"""What leaves the clinic, and what comes back."""
