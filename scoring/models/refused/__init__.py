"""Outcomes of the refused, never seen: methods to infer them, offered only with the experiment that shows whether they help."""
