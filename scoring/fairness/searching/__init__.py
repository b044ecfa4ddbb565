"""Searching every combination of groups for exclusion, and keeping only what says something of its own."""
