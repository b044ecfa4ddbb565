"""Scoring files of any size, and frames on a cluster, by the model of a study."""
