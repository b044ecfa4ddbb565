"""What a score gave one person, why, and how far a change would have changed the result."""
