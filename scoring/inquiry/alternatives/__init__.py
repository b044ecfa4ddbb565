"""Less excluding alternatives: what else could have been done, what it would have cost, and whom it would have let in."""
