"""Studies and their findings, the answers that they need, reviewers, decisions and signatures."""

import datetime as dt
import json

import pytest
from sqlalchemy import text

from scoring.errors import EquiscoreError
from scoring.register import GENESIS, Head, add_activity, history, verify
from scoring.register.canonical import sha256
from scoring.register.findings import JUSTIFICATION, add_study, answers_of, findings_of, justify, plan_measure
from scoring.register.models import Contract, Decision, Review, Study
from scoring.register.people import (
    add_reviewer,
    add_signature,
    decide,
    fingerprint_of,
    keep_review,
    missing_clauses,
    pinned,
    review_of,
    signature_record,
)
from scoring.signing.findings import SeenSignature, TrailHead
from scoring.signing.record import against_the_register, against_the_trail

AT = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
BY = {"actor": "A. Martin", "at": AT}
DUE = dt.date(2027, 3, 1)
DIGEST = "0f" * 32
VERDICTS = ["exclusion", "exclusion", "within tolerance", "leaning", "undetermined", "not applicable"]


def rows():
    return [
        {"attribute": "age", "group": f"g{i}", "metric": "selection_rate", "verdict": verdict, "ratio": None} for i, verdict in enumerate(VERDICTS)
    ]


@pytest.fixture
def studied(register):
    add_activity(register, {"reference": "A", "name": "A", "controller": {"name": "C"}}, **BY)
    add_study(register, DIGEST, activity="A", as_of=AT.date(), verdicts=rows(), **BY)
    return register


def test_a_study_brings_a_finding_for_each_gap(studied):
    with studied.reading() as session:
        held = session.get(Study, DIGEST)
    assert (held.exclusion, held.unsettled, held.within) == (2, 3, 1)
    assert [row.document["shown"]["group"] for row in sorted(findings_of(studied, DIGEST), key=lambda row: row.document["shown"]["group"])] == [
        "g0",
        "g1",
    ]
    assert verify(studied) == ()


def test_each_gap_is_open_until_it_is_answered(studied):
    first, second = findings_of(studied, DIGEST, only_open=True)
    justify(studied, first.id, dict.fromkeys(JUSTIFICATION, "because"), owner="B", due=DUE, **BY)
    assert [row.id for row in findings_of(studied, DIGEST, only_open=True)] == [second.id]
    plan_measure(studied, second.id, "lower the cut-off", owner="C", due=DUE, **BY)
    plan_measure(studied, second.id, "lowered", owner="C", due=DUE, **BY, done=True)
    assert findings_of(studied, DIGEST, only_open=True) == []
    assert [event.kind for event in history(studied, f"findings/{second.id}")] == ["findings.added", "findings.measure", "findings.done"]
    held = {row.id: row for row in findings_of(studied, DIGEST)}
    assert (held[first.id].owner, held[first.id].due, held[first.id].document["justification"]["necessary"]) == ("B", DUE, "because")
    assert verify(studied) == ()


def test_entering_a_study_again_keeps_the_answers(studied):
    first = findings_of(studied, DIGEST)[0]
    plan_measure(studied, first.id, "lower the cut-off", owner="C", due=DUE, **BY)
    assert len(add_study(studied, DIGEST, activity="A", as_of=None, verdicts=rows(), **BY)) == 1
    assert {row.id: row.status for row in findings_of(studied, DIGEST)}[first.id] == "measure"


@pytest.mark.parametrize("part", JUSTIFICATION)
def test_a_justification_says_every_part(studied, part):
    first = findings_of(studied, DIGEST)[0]
    with pytest.raises(EquiscoreError, match=f"without {part}.*Fix: say each of aim"):
        justify(studied, first.id, {**dict.fromkeys(JUSTIFICATION, "because"), part: " "}, owner="B", due=DUE, **BY)


def test_an_answer_needs_a_finding_an_owner_and_a_text(studied):
    first = findings_of(studied, DIGEST)[0].id
    for finding, measure, owner, says in (
        (first, " ", "B", "empty measure"),
        (first, "x", " ", "nobody answers"),
        ("none", "x", "B", "no such finding"),
    ):
        with pytest.raises(EquiscoreError, match=rf"{says}.*Fix:"):
            plan_measure(studied, finding, measure, owner=owner, due=DUE, **BY)
    with pytest.raises(EquiscoreError, match="not known: luck"):
        justify(studied, first, {**dict.fromkeys(JUSTIFICATION, "x"), "luck": "x"}, owner="B", due=DUE, **BY)


def test_a_study_needs_its_activity_and_a_digest(register):
    with pytest.raises(EquiscoreError, match="add first what the row refers to"):
        add_study(register, DIGEST, activity="none", as_of=None, verdicts=[], **BY)
    with pytest.raises(EquiscoreError, match=r"no digest of a study.*Fix:"):
        add_study(register, "short", activity="none", as_of=None, verdicts=[], **BY)
    assert register.head().sequence == 0


def certificate():
    """A certificate of our own making, as PEM and as DER, and its fingerprint by another road."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "Zoé")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, AT.replace(tzinfo=None), AT.replace(tzinfo=None) + dt.timedelta(days=9))
    made = builder.sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM), made.public_bytes(serialization.Encoding.DER), made.fingerprint(hashes.SHA256()).hex()


def test_the_fingerprint_is_that_of_the_certificate_in_either_form():
    pem, der, fingerprint = certificate()
    assert fingerprint_of(pem) == fingerprint_of(der) == fingerprint


@pytest.mark.parametrize(
    "text_", [b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", b"-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_refused(text_):
    with pytest.raises(EquiscoreError, match=r"no certificate.*never the private key"):
        fingerprint_of(text_)


def test_a_certificate_is_one_reviewers(register):
    add_reviewer(register, "zoe", name="Zoé", role="dpo", certificate=b"one", **BY)
    with pytest.raises(EquiscoreError, match="is there already"):
        add_reviewer(register, "max", name="Max", role="analyst", certificate=b"one", **BY)
    add_reviewer(register, "max", name="Max", role="analyst", certificate=b"two", **BY)
    add_reviewer(register, "ann", name="Ann", role="controller", **BY)
    assert pinned(register) == {"max": fingerprint_of(b"two"), "zoe": fingerprint_of(b"one")}
    add_reviewer(register, "zoe", name="Zoé", role="dpo", certificate=b"one", active=False, **BY)
    assert list(pinned(register)) == ["max"]
    with pytest.raises(EquiscoreError, match=r"no role.*Fix: use one of analyst"):
        add_reviewer(register, "x", name="X", role="boss", **BY)


def test_decisions_are_kept_with_their_text_and_replaced_only_in_sight(studied):
    add_reviewer(studied, "zoe", name="Zoé", role="dpo", **BY)
    keep_review(studied, DIGEST, "submitted", {"signers": ["zoe"]}, **BY)
    decide(studied, DIGEST, "zoe", "refuse", "too few people", **BY)
    event = decide(studied, DIGEST, "zoe", "approve_with_reservations", "re-study in June", **BY)
    keep_review(studied, DIGEST, "reviewed", {"signers": ["zoe"]}, **BY)
    with studied.reading() as session:
        held = session.query(Decision).one()
        assert session.get(Review, DIGEST).status == "reviewed"
    assert (held.decision, held.document["text"], held.document["role"]) == ("approve_with_reservations", "re-study in June", "dpo")
    told = [json.loads(one.payload)["row"]["decision"] for one in history(studied, event.subject)]
    assert told == ["refuse", "approve_with_reservations"]
    assert [one.kind for one in history(studied, f"reviews/{DIGEST}")] == ["reviews.submitted", "reviews.reviewed"]


@pytest.mark.parametrize(
    ("reviewer", "decision", "words", "says"),
    [("zoe", "yes", "x", "no decision"), ("zoe", "refuse", " ", "without a text"), ("max", "refuse", "x", "no active reviewer")],
)
def test_a_decision_needs_a_word_a_text_and_an_active_reviewer(studied, reviewer, decision, words, says):
    add_reviewer(studied, "zoe", name="Zoé", role="dpo", **BY)
    keep_review(studied, DIGEST, "submitted", {}, **BY)
    with pytest.raises(EquiscoreError, match=rf"{says}.*Fix:"):
        decide(studied, DIGEST, reviewer, decision, words, **BY)


def signature(register, name, **changed):
    told = {"reviewer": name, "manifest": DIGEST, "file_sha256": sha256(f"%PDF {name}"), "fingerprint": fingerprint_of(name.encode()), "at": None}
    return {**told, "head": str(register.head()), **changed}


@pytest.fixture
def two(studied):
    for name in ("zoe", "max"):
        add_reviewer(studied, name, name=name, role="dpo", certificate=name.encode(), **BY)
    return studied


def test_signatures_are_told_in_turn_as_they_were_handed_in(two):
    rows = [signature(two, name, dossier="fr.pdf") for name in ("zoe", "max")]
    for row in rows:
        add_signature(two, row, **BY)
    told = signature_record(two, DIGEST)
    assert told["signatures"] == rows
    head = Head.read(rows[0]["head"])
    assert told["trail"] == {0: GENESIS.hash, head.sequence: head.hash}
    assert signature_record(two, DIGEST, dossier="en.pdf", numbers=[2, 99])["trail"].keys() == {0, 2}
    assert signature_record(two, DIGEST, dossier="en.pdf")["signatures"] == []
    assert verify(two, head=Head.read(told["head"])) == verify(two, head=head) == ()


def test_the_record_is_what_a_signed_file_is_held_against(two):
    head = two.head()
    seen = SeenSignature(
        signer="zoe", sha256=sha256("%PDF zoe"), at=None, fingerprint=fingerprint_of(b"zoe"), manifest=DIGEST, trail=TrailHead(*head)
    )
    add_signature(two, seen.as_row(), **BY)
    told = signature_record(two, DIGEST)
    assert against_the_register([seen], told) == []
    assert against_the_trail([seen], told["trail"], Head.read(told["head"])) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"fingerprint": "0" * 64}, "not the one entered"),
        ({"head": f"99:{'0' * 64}"}, "not a head of this trail"),
        ({"head": f"1:{'0' * 64}"}, "not a head of this trail"),
        ({"head": "soon"}, "no head of a trail"),
        ({"file_sha256": ""}, "no file_sha256"),
        ({"manifest": "ee" * 32}, "(?i:foreign key)"),
        ({"reviewer": "eve"}, "no active reviewer"),
    ],
)
def test_a_signature_that_does_not_fit_is_refused(two, changed, says):
    with pytest.raises(EquiscoreError, match=rf"{says}.*Fix:"):
        add_signature(two, signature(two, "zoe", **changed), **BY)


def test_a_signature_deleted_or_edited_outside_is_named(two):
    add_signature(two, signature(two, "zoe"), **BY)
    with two.writing() as session:
        session.execute(text("UPDATE signatures SET file_sha256 = study"))
    assert [problem.code for problem in verify(two)] == ["row_changed"]
    with two.writing() as session:
        session.execute(text("DELETE FROM signatures"))
    assert "deleted outside the register" in str(verify(two)[0])
    assert "supprimée hors du registre" in verify(two)[0].said("fr")


def test_a_review_is_read_back_as_it_was_kept(studied):
    assert review_of(studied, DIGEST) is None
    keep_review(studied, DIGEST, "draft", {"state": "draft", "required": [{"name": "zoe"}]}, **BY)
    assert review_of(studied, DIGEST) == {"state": "draft", "required": [{"name": "zoe"}]}


def test_answers_are_told_as_a_declaration_writes_them(studied):
    from scoring.assessment import Justification

    first, second = findings_of(studied, DIGEST)
    justify(studied, first.id, dict.fromkeys(JUSTIFICATION, "because"), owner="B", due=DUE, **BY)
    assert len(answers_of(studied, DIGEST)) == 1
    plan_measure(studied, second.id, "lower the cut-off", owner="C", due=DUE, **BY)
    read = [Justification.model_validate(said) for said in answers_of(studied, DIGEST)]
    assert {(one.aim, one.measure, one.owner, one.due) for one in read} == {("because", None, "B", DUE), (None, "lower the cut-off", "C", DUE)}
    assert all(one.whole for one in read)


def test_a_part_of_an_excluded_group_needs_no_answer_of_its_own(studied):
    digest = "1f" * 32
    shown = [{**row, "under": "age: g0" if row["group"] == "g1" else ""} for row in rows()]
    add_study(studied, digest, activity="A", as_of=None, verdicts=shown, **BY)
    assert [row.document["shown"]["group"] for row in findings_of(studied, digest)] == ["g0"]


def test_the_clauses_of_a_contract_that_are_missing_are_named_in_the_order_of_the_law():
    said = ["instructions", "confidentiality", "security", "sub_processors", "assistance_rights", "assistance_security", "audit", "licence"]
    contract = Contract(id="c", actor="a", document={"role": "processor", "clauses": said})
    assert missing_clauses(contract) == ("return_or_erasure", "intellectual_property")
    assert missing_clauses(Contract(id="c", actor="a", document={"role": "provider"})) == ("licence", "intellectual_property")
