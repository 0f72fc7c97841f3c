"""A throw-away clinic full of synthetic patients, for newcomers."""
