"""Signed dossiers: PAdES signatures on the PDF, their verification, and the review that comes before.

`sign` puts signatures on, `verify` says in plain words what is wrong with them, `review` holds the rules of who may approve what.
It knows neither the dossier that it signs nor the register that keeps its records: both are handed in.
"""
