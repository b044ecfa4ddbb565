"""The commands of `equiscore`, one file a subject; `scoring.cli` puts them together. The clock and who acts come in here, nowhere below."""
