"""Whether scores, features and segments are still those of before."""
