"""The register: activities, studies, findings, people and documents in one database, under one append-only trail.

It stores documents and events, and knows no study: what it is told comes as plain data. There is no clock in it; the caller hands in when.
"""

from scoring.register.activities import activity, add_activity, find_activities, history
from scoring.register.checking import Problem, verify
from scoring.register.database import Register, open_register
from scoring.register.exchange import export_register, import_register
from scoring.register.trail import GENESIS, Event, Head, keep, record

__all__ = [
    "GENESIS",
    "Event",
    "Head",
    "Problem",
    "Register",
    "activity",
    "add_activity",
    "export_register",
    "find_activities",
    "history",
    "import_register",
    "keep",
    "open_register",
    "record",
    "verify",
]
