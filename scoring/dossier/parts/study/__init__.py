"""What the study shows: what was asked, findings, rates, the score, the method (D5, D11, D12)."""
