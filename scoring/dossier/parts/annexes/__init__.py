"""The same facts in the shapes that others ask for (D19)."""
