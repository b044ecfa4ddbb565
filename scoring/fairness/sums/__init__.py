"""Numbers that are decided: counted without a person, compared with intervals, and how unequal they are."""
