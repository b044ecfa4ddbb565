"""Rows to drawings: a plot works nothing out, so table, chart and dossier cannot disagree."""
