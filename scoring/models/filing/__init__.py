"""Model files: what they may hold, what they say of themselves, and the checks before one is loaded."""
