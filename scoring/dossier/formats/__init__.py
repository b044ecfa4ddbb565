"""Formats: each a reader of the same blocks."""
