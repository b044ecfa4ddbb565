"""Which version this is, who has signed it, what it lacks, and where the work stands (D0, D17)."""
