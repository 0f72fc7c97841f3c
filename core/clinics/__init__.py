"""The directory of clinics: what is in it at first, which are nearest, and where a place is."""
