"""Bytes to a clean image to a reading."""
