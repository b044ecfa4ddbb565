"""The parts of a scorecard: cuts, evidence, grouping, points, hand edits, and how a card is written down."""
