"""What is saved is what is loaded; what is not a model of ours, or was touched, is refused with one clear error."""

import copy
import io
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

import scoring.provenance
from scoring.errors import EquiscoreError
from scoring.models import KMeansSegments, ScoreBands, Scorecard, WoEBinner, persistence
from scoring.models.boosting import GradientBoosting
from scoring.models.filing import model_files
from scoring.models.persistence import UntrustedModel, dumps, inspect, load, loads, save
from scoring.models.segmenting.mixtures import GaussianMixtureSegments
from scoring.models.segmenting.rfm import RFMSegmenter
from scoring.models.segmenting.tiers import LoyaltyTiers
from scoring.models.training import make_engine
from scoring.models.value.spend import GammaGamma

FILES = Path(__file__).parent / "files"


class Foreign:
    """A type that no list names."""


@pytest.fixture(scope="module")
def fitted(people):
    X, y = people
    return {
        "score_points": Scorecard(binner=WoEBinner(monotone={"age": "none"})).fit(X, y),
        "predict_proba": GradientBoosting(max_iter=10).fit(X, y),
        "transform": WoEBinner().fit(X, y),
        "predict": KMeansSegments(3, features=["age", "income"]).fit(X),
    }


@pytest.fixture(scope="module")
def boosted(fitted):
    return dumps(fitted["predict_proba"])


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def resealed(data, **changed):
    """A file whose members were exchanged by somebody who can write a seal."""
    return model_files._sealed({name: content for name, content in {**members(data), **changed}.items() if content is not None})


def schema_of(data):
    return json.loads(members(data)["schema.json"])


# ---- there and back ----


@pytest.mark.parametrize("method", ["score_points", "predict_proba", "transform", "predict"])
def test_what_is_saved_is_what_is_loaded(people, fitted, tmp_path, method):
    estimator = fitted[method]
    digest = save(estimator, tmp_path / "model.skops")
    again = load(tmp_path / "model.skops", sha256=digest)
    assert type(again) is type(estimator)
    assert np.array_equal(getattr(again, method)(people[0]), getattr(estimator, method)(people[0]))
    assert inspect(tmp_path / "model.skops").refused is None


@pytest.mark.parametrize("calibration", ["none", "sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize("engine", ["logistic", "scorecard", "gradient_boosting"])
def test_whatever_a_study_may_train_can_be_kept(people, engine, calibration):
    X, y = people
    parameters = {"max_iter": 5} if engine == "gradient_boosting" else {}
    estimator = make_engine(engine, calibration=calibration, **parameters).fit(X, y)
    assert np.array_equal(loads(dumps(estimator)).predict_proba(X), estimator.predict_proba(X))


def test_other_segments_and_values_too():
    rng = np.random.default_rng(1)
    frequency, rate = rng.integers(1, 30, 400), rng.gamma(4.0, 1 / 15, 400)
    spent = rng.gamma(6.0 * frequency) / (rate * frequency)  # of the model of gamma-gamma itself
    X = pd.DataFrame({"recency": rng.integers(1, 300, 400).astype(float), "frequency": frequency, "monetary": spent})
    for estimator in (
        RFMSegmenter(recency="recency", frequency="frequency", monetary="monetary"),
        GaussianMixtureSegments(3),
        GammaGamma(),
        LoyaltyTiers(thresholds={"gold": 10.0}),
    ):
        fitted = estimator.fit(X[["monetary"]] if isinstance(estimator, LoyaltyTiers) else X)
        assert vars(loads(dumps(fitted))).keys() == vars(fitted).keys()


def test_bands_too(tmp_path):
    save(ScoreBands(edges=[1, 2], labels=["a", "b", "c"]).fit([[0.0]]), tmp_path / "bands.skops")
    assert load(tmp_path / "bands.skops").band([0, 1, 2]).tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("method", ["score_points", "predict_proba", "transform", "predict"])
def test_the_same_estimator_is_the_same_bytes_also_after_a_copy_and_a_trip(fitted, method):
    data = dumps(fitted[method])
    assert dumps(copy.deepcopy(fitted[method])) == data
    assert len(dumps(loads(data))) == pytest.approx(len(data), rel=0.05)


def test_a_card_is_kept_as_json_and_scores_alike(people, fitted, tmp_path):
    card = fitted["score_points"]
    digest = save(card, tmp_path / "card.json")
    again = load(tmp_path / "card.json", sha256=digest)
    assert np.array_equal(again.score_points(people[0]), card.score_points(people[0]))
    assert json.loads((tmp_path / "card.json").read_text())["features"][0]["name"] == "age"
    with pytest.raises(UntrustedModel, match=r"A GradientBoosting is no card.*Fix: save it under a name that ends in \.skops"):
        save(fitted["predict_proba"], tmp_path / "boosting.json")


def test_the_facts_are_read_without_loading(fitted, tmp_path, monkeypatch):
    digest = save(fitted["predict_proba"], tmp_path / "model.skops")
    monkeypatch.setattr(skops.io, "loads", lambda *_, **__: pytest.fail("it was loaded"))
    facts = inspect(tmp_path / "model.skops")
    assert (facts.kind, facts.format, facts.sha256, facts.favourable) == ("scoring.models.boosting.GradientBoosting", 2, digest, "good")
    kinds = {"age": "number", "income": "number", "home": "levels", "job": "levels", "member": "levels", "children": "number", "channel": "levels"}
    assert dict(facts.features) == kinds
    assert "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor" in facts.types
    assert set(facts.types) <= set(persistence.TRUSTED)
    assert set(facts.versions) == {"equiscore", "numpy", "scikit-learn", "skops"}
    assert facts.bytes == (tmp_path / "model.skops").stat().st_size < facts.unpacked


def test_the_facts_of_a_card_say_the_same_as_those_of_its_file_of_skops(fitted, tmp_path):
    save(fitted["score_points"], tmp_path / "card.json")
    save(fitted["score_points"], tmp_path / "card.skops")
    one, other = (inspect(tmp_path / name) for name in ("card.json", "card.skops"))
    assert (one.kind, one.features, one.favourable, one.refused) == (other.kind, other.features, other.favourable, None)


# ---- old formats ----


def people_of_the_files():
    X = pd.DataFrame({"age": np.arange(20, 80, dtype=float), "home": ["own", "rent", "lodger"] * 20})
    X.loc[5, "age"] = np.nan
    return X


@pytest.mark.parametrize("name", ["card_1.skops", "card_1.json"])
def test_a_card_of_format_1_is_still_read(name):
    assert load(FILES / name).score_points(people_of_the_files())[:6].tolist() == [476, 477, 478, 476, 477, 523]
    facts = inspect(FILES / name)
    assert (facts.kind, facts.format, facts.refused) == ("scoring.models.scorecard.Scorecard", 1, None)


def test_a_boosting_of_format_1_is_still_read():
    path = FILES / "boosting_1.skops"
    expected = [0.5346584298345758] * 5 + [0.5798360354387431]
    assert load(path, other_version=True).predict_proba(people_of_the_files())[:6, 1].tolist() == pytest.approx(expected, abs=1e-12)
    assert inspect(path).versions["scikit-learn"] == "1.9.1"


def test_a_card_that_was_edited_by_hand_is_a_card(fitted, tmp_path):
    held = fitted["score_points"].to_dict()
    (tmp_path / "card.json").write_text(json.dumps(held))
    assert load(tmp_path / "card.json").points_ == fitted["score_points"].points_


# ---- other versions ----


def written_by(data, **versions):
    facts = json.loads(members(data)["equiscore.json"])
    facts["versions"] |= {name.replace("_", "-"): version for name, version in versions.items()}
    return resealed(data, **{"equiscore.json": json.dumps(facts).encode()})


def test_another_minor_version_of_scikit_learn_is_refused_unless_asked_for(people, fitted, boosted, tmp_path):
    older = written_by(boosted, scikit_learn="1.8.2")
    with pytest.raises(UntrustedModel, match=r"model: it was written with scikit-learn 1\.8\.2.*Fix: load and save it with 1\.8 \(a card as \.json"):
        loads(older)
    again = loads(older, other_version=True)
    assert np.array_equal(again.predict_proba(people[0]), fitted["predict_proba"].predict_proba(people[0]))
    (tmp_path / "older.skops").write_bytes(older)
    assert "scikit-learn 1.8.2" in inspect(tmp_path / "older.skops").refused


def test_another_patch_and_a_model_without_scikit_learn_inside_are_read(fitted, boosted):
    here = scoring.provenance.environment()["libraries"]["scikit-learn"]
    assert loads(written_by(boosted, scikit_learn=".".join([*here.split(".")[:2], "99"]), equiscore="99.0"))
    assert loads(written_by(dumps(fitted["score_points"]), scikit_learn="1.8.2"))


def test_format_1_of_another_scikit_learn_is_refused_too(fitted):
    old = skops.io.dumps(fitted["predict_proba"])
    schema = members(old)["schema.json"].replace(b'\\"1.9', b'\\"1.7')
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in (members(old) | {"schema.json": schema}).items():
            archive.writestr(name, content)
    with pytest.raises(UntrustedModel, match=r"written with scikit-learn 1\.7"):
        loads(data.getvalue())


def test_a_format_to_come_says_so(boosted):
    body, seal = boosted[:-89], boosted[-89:]
    with pytest.raises(UntrustedModel, match=r"its format, 3, is not known here\. Fix: read it with the equiscore that wrote it"):
        loads(body + seal.replace(b"model 2", b"model 3"))


# ---- what may not be loaded ----


def test_a_foreign_estimator_is_refused_on_both_ways(people, tmp_path):
    X, y = people[0][["income"]], people[1]
    forest = RandomForestClassifier(2).fit(X, y)
    with pytest.raises(EquiscoreError, match="RandomForestClassifier, which is not kept here"):
        save(forest, tmp_path / "forest.skops")
    skops.io.dump(forest, tmp_path / "forest.skops")
    with pytest.raises(EquiscoreError, match="RandomForestClassifier, which is not kept here"):
        load(tmp_path / "forest.skops")
    facts = inspect(tmp_path / "forest.skops")
    assert facts.kind.endswith("RandomForestClassifier")
    assert "not kept here" in facts.refused


INSIDE = {"an object": Foreign(), "a type": RandomForestClassifier, "a method": LogisticRegression().fit, "what skops trusts": LogisticRegression()}


@pytest.mark.parametrize("inside", INSIDE.values(), ids=INSIDE)
def test_a_foreign_type_inside_one_of_ours_is_refused(tmp_path, inside):
    card = Scorecard(favourable=inside)
    with pytest.raises(EquiscoreError, match="not loaded here"):
        save(card, tmp_path / "card.skops")
    skops.io.dump(card, tmp_path / "card.skops")
    with pytest.raises(EquiscoreError, match="not loaded here"):
        load(tmp_path / "card.skops")


def test_another_file_under_the_same_name_is_refused(people, tmp_path):
    digest = save(WoEBinner().fit(*people), tmp_path / "model.skops")
    save(WoEBinner(max_bins=2).fit(*people), tmp_path / "model.skops")
    with pytest.raises(EquiscoreError, match="its SHA-256 is"):
        load(tmp_path / "model.skops", sha256=digest)


@pytest.mark.parametrize(
    "content", [b"rubbish", b"", b"{", b"{}", b'{"format": "other"}', b'{"file": 3}', b"[" * 100_000, b'{"a":' * 100_000, b"PK\x03\x04"]
)
def test_rubbish_is_refused_by_one_clear_error(tmp_path, content):
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(UntrustedModel, match=r"model: .*Fix: "):
        load(tmp_path / "model")
    assert inspect(tmp_path / "model").refused


def test_no_file_and_a_folder_say_so(tmp_path):
    for path in (tmp_path / "nowhere.skops", tmp_path):
        for read in (load, inspect):
            with pytest.raises(UntrustedModel, match=r"no model can be read there.*Fix: give the file"):
                read(path)


# ---- tampering ----


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), card=st.booleans())
def test_a_flipped_bit_anywhere_is_found(place, bit, card):
    data = bytearray(_small_card(card=card))
    data[int(place * len(data))] ^= 1 << bit
    with pytest.raises(UntrustedModel, match="Fix: "):
        loads(bytes(data))


def _small_card(*, card):
    return dumps(load(FILES / "card_1.json"), card=card)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.99])
def test_a_file_cut_short_is_refused(boosted, keep):
    with pytest.raises(UntrustedModel):
        loads(boosted[: int(keep * len(boosted))])


@pytest.mark.parametrize(
    ("name", "content"), [("evil.py", b"1"), ("../../evil.npy", b"1"), ("999.npy", members((FILES / "card_1.skops").read_bytes())["schema.json"])]
)
def test_a_member_more_is_refused_also_under_a_new_seal(boosted, name, content):
    with pytest.raises(UntrustedModel, match="changed since it was written: it"):
        loads(resealed(boosted, **{name: content}))


def test_a_member_less_or_a_seal_taken_off_is_refused(boosted):
    for data in (resealed(boosted, **{"1.npy": None}), boosted[:-89], resealed(boosted, **{"equiscore.json": None})):
        with pytest.raises(UntrustedModel):
            loads(data)


def test_a_member_that_stands_twice_is_refused(boosted):
    data = io.BytesIO(boosted)
    archive = zipfile.ZipFile(data, "a")
    archive.comment = b""
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("1.npy", b"another")
    archive.close()
    with pytest.raises(UntrustedModel):
        loads(data.getvalue())


def test_a_bomb_is_refused_before_it_is_unpacked(boosted, monkeypatch):
    bomb = resealed(boosted, **{"1.npy": b"\x00" * (1 << 22)})
    assert len(bomb) < 1 << 20
    monkeypatch.setattr(model_files, "MOST_UNPACKED", 1 << 22)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(UntrustedModel, match=r"would unpack to more than 4,194,304 bytes"):
        loads(bomb)


def test_an_array_that_says_it_is_huge_is_refused_before_room_is_made(boosted):
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    head += b" " * (64 - (10 + len(head) + 1) % 64) + b"\n"
    huge = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head
    with pytest.raises(UntrustedModel, match="is not the array that it says it is"):
        loads(resealed(boosted, **{"1.npy": huge + b"\x00" * 8}))


def nodes_member(data):
    """The name of the member that holds the nodes of a tree that splits."""
    held = {name: np.load(io.BytesIO(content)) for name, content in members(data).items() if name.endswith(".npy")}
    return next((name, array) for name, array in held.items() if array.dtype.names and len(array) > 2 and array["is_categorical"].any())


@pytest.mark.parametrize(
    ("field", "value"),
    [("left", 10_000), ("right", 0), ("left", 0), ("feature_idx", 7), ("feature_idx", -1), ("feature_idx", 1 << 40), ("bitset_idx", 50)],
)
def test_a_tree_that_points_outside_is_refused_before_it_is_followed(boosted, field, value):
    name, array = nodes_member(boosted)
    array = array.copy()
    here = (array["is_leaf"] == 0) & ((array["is_categorical"] != 0) | (field != "bitset_idx"))
    array[field] = np.where(here, value, array[field])
    stream = io.BytesIO()
    np.save(stream, array)
    with pytest.raises(UntrustedModel, match=r"model: it is made to harm, or damaged: tree \d+ .*Fix: get the file from whoever trained"):
        loads(resealed(boosted, **{name: stream.getvalue()}))


def test_a_preprocessor_that_narrows_the_table_is_refused(boosted):
    """scikit-learn does not look at the width again before the trees read the table."""
    text = members(boosted)["schema.json"].decode()
    forged = json.loads(text)
    node = forged["content"]["content"]["model_"]["content"]["content"]["_preprocessor"]["content"]["content"]["transformers_"]["content"]
    del node[1]  # the numbers are left out
    with pytest.raises(UntrustedModel, match="Fix: "):
        loads(resealed(boosted, **{"schema.json": json.dumps(forged).encode()}))


def test_a_file_that_lies_about_its_kind_is_refused(boosted):
    facts = json.loads(members(boosted)["equiscore.json"]) | {"kind": "scoring.models.scorecard.Scorecard"}
    with pytest.raises(UntrustedModel, match=r"it says that it is a scoring\.models\.scorecard\.Scorecard"):
        loads(resealed(boosted, **{"equiscore.json": json.dumps(facts).encode()}))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_schema_with_any_part_exchanged_never_ends_in_a_traceback_of_skops(data):
    """Fuzzing under a valid seal: either it loads, or it is refused by our error."""
    file = _small_card(card=False)
    schema = schema_of(file)
    place, key = data.draw(st.sampled_from([(node, key) for node in model_files.nodes_of(schema) for key in node]))
    place[key] = data.draw(st.sampled_from([None, 1, -1, "x", "ObjectNode", "CachedNode", "LossNode", [], {}, "builtins", "os"]))
    try:
        loads(resealed(file, **{"schema.json": json.dumps(schema).encode()}))
    except UntrustedModel as refused:
        assert "Fix: " in str(refused)  # noqa: PT017  (loading it is just as well)


# ---- writing ----


def test_a_failed_save_leaves_the_old_file_and_nothing_else(people, tmp_path, monkeypatch):
    digest = save(WoEBinner().fit(*people), tmp_path / "model.skops")

    def full(_):
        raise OSError("disk full")

    monkeypatch.setattr(scoring.provenance.os, "fsync", full)
    with pytest.raises(EquiscoreError, match="disk full"):
        save(WoEBinner(max_bins=2).fit(*people), tmp_path / "model.skops")
    assert [file.name for file in tmp_path.iterdir()] == ["model.skops"]
    assert load(tmp_path / "model.skops", sha256=digest).max_bins == 10


def test_a_model_is_for_its_owner_only(fitted, tmp_path):
    save(fitted["transform"], tmp_path / "model.skops")
    assert (tmp_path / "model.skops").stat().st_mode & 0o777 == 0o600


def test_the_list_names_types_that_exist():
    for name in persistence.TRUSTED:
        module, _, kind = name.rpartition(".")
        assert hasattr(__import__(module, fromlist=[kind]), kind)


def test_importing_the_package_loads_no_scikit_learn():
    heavy = "{'sklearn', 'pandas', 'numpy'} & set(sys.modules)"
    code = f"import sys, scoring.models; assert not {heavy}; scoring.models.Scorecard; assert {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_says_the_known_ones():
    import scoring.models

    with pytest.raises(AttributeError, match=r"KMeansSegments, .*ScoreBands, .*Scorecard, WoEBinner"):
        scoring.models.Scoredeck  # noqa: B018
