"""What the law asks: formalities, criteria, variables, sanctions, the trace of the rules, words (D1, D6, D12, D18, D19)."""
