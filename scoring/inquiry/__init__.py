"""Why: what the mean gap of a score is made of, and which inputs tell who is in a group. Needs models and fairness together."""
