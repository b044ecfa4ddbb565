"""Segments beyond score bands and k-means: recency and frequency, mixtures, tiers, and whether segments come out again."""
