"""A small PDF/A with its evidence, an authority, three signers and what they signed. Nothing here is written to."""

import hashlib
import importlib.util
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typst

from scoring.signing.certificates import Pkcs12
from scoring.signing.sign import sign_pdf
from scoring.signing.verify import verify_pdf

HERE = Path(__file__).parent
MANIFEST, OTHER = "a" * 64, "b" * 64
SIGNERS = ("model_reviewer", "dpo", "controller")
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LATER = datetime(2026, 6, 1, tzinfo=UTC)
HEAD = (12, "c" * 64)
_SOURCE = """#set document(title: "Dossier", date: auto)
#set text(lang: "en")
#pdf.attach("evidence.json", relationship: "data", mime-type: "application/json", description: "Published numbers")
= Dossier
The first page.
#pagebreak()
= Numbers
The second page.
"""


def _load(name):
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def evidence_of(manifest):
    return json.dumps({"manifest": manifest, "rates": [0.25, 0.5]}).encode()


def render(folder, evidence):
    (folder / "evidence.json").write_bytes(evidence)
    (folder / "dossier.typ").write_text(_SOURCE, encoding="utf-8")
    standards = ["a-3a", "ua-1"]
    return typst.compile(str(folder / "dossier.typ"), format="pdf", pdf_standards=standards, ignore_system_fonts=True, timestamp=1_700_000_000)


@dataclass
class World:
    """Who there is, what was rendered, and short ways to sign and to verify."""

    folder: Path
    authority: object
    holders: dict
    unsigned: bytes
    make: object
    steps: list = field(default_factory=list)

    @property
    def pins(self):
        return {name: self.holders[name].fingerprint for name in SIGNERS}

    @property
    def signed(self):
        return self.steps[-1].pdf

    @property
    def record(self):
        return {"signatures": [step.signature.as_row() for step in self.steps], "trail": {HEAD[0]: HEAD[1]}}

    def key(self, name):
        return Pkcs12(self.folder / f"{name}.p12", "test")

    def sign(self, pdf, name, holder=None, **others):
        told = {"reason": "I have read it and approve it", "fields": SIGNERS, "at": AT, "trail_head": HEAD} | others
        return sign_pdf(pdf, self.key(holder or name), name=name, **told)

    def verify(self, pdf, **others):
        told = {"expected_signers": self.pins, "evidence_manifest": MANIFEST, "register_record": self.record, "trail_head": HEAD, "at": LATER}
        return verify_pdf(pdf, **(told | others))

    def alone(self, pdf, **others):
        """Verify without the register, which would notice any change by itself."""
        return self.verify(pdf, register_record=None, trail_head=None, **others)


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    folder, make = tmp_path_factory.mktemp("signing"), _load("make_certificates")
    authority = make.Authority()
    holders = {name: authority.issue(name) for name in SIGNERS} | {"stranger": make.Authority("Another authority").issue("dpo")}
    holders["old"] = authority.issue("dpo", end=datetime(2026, 1, 1, tzinfo=UTC))
    for name, holder in holders.items():
        holder.p12(folder / f"{name}.p12")
    made = World(folder, authority, holders, render(folder, evidence_of(MANIFEST)), make)
    pdf = made.unsigned
    for name in SIGNERS:
        made.steps.append(made.sign(pdf, name))
        pdf = made.steps[-1].pdf
    return made


def sha256(content):
    return hashlib.sha256(content).hexdigest()
