"""What is withheld cannot be worked out of the rest: neither by subtracting published counts nor from the digits of a figure."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

import scoring
from scoring.bounds import Bounds
from scoring.dossier.evidence import evidence_of
from scoring.fairness.counts import Counts
from scoring.fairness.disparity import compare
from scoring.fairness.metrics import METRICS, STATES
from scoring.fairness.published import published
from scoring.fairness.withholding import joined_reasons, significant
from scoring.vocabulary import CROSS, SMALL_GROUPS, UNKNOWN

K = 10
ATTRIBUTES, STRATUM = ["sex", "region"], "branch"
TITLES = {metric.en: metric for metric in METRICS.values()}
SEEN = STATES[:4]


def people(*, unscored=(50, 52), unobserved=(60, 67), rejected=5, seed=3, n=400):
    """Make people: a region of 3, 4 of unknown sex, 2 without a score, 7 without an outcome, 5 without a decision."""
    rng = np.random.default_rng(seed)
    region = rng.choice(["north", "south", "east"], n, p=[0.5, 0.35, 0.15]).astype(object)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M"], n).astype(object), "region": region, "branch": rng.choice(["b1", "b2"], n)})
    frame.loc[:2, "region"], frame.loc[3:6, "sex"] = "tiny", None
    frame["ok"] = rng.binomial(1, 0.6, n)
    frame["repaid"] = pd.array(rng.binomial(1, 0.8, n), dtype="Int64")
    frame["score"] = pd.array(rng.integers(300, 700, n), dtype="Int64")
    frame["limit"], frame["eligible"] = rng.integers(1, 50, n) * 100, 1
    frame.loc[frame.index[slice(*unscored)], "score"] = pd.NA
    frame.loc[frame.index[slice(*unobserved)], "repaid"] = pd.NA
    frame["ok"] = frame["ok"].astype("Int64")
    frame.loc[frame.index[100 : 100 + rejected], "ok"] = pd.NA
    return frame


def study_of(frame):
    return scoring.audit(
        frame, groups=ATTRIBUTES, decision="ok", favourable=1, outcome="repaid", favourable_outcome=1, score="score", strata=[STRATUM],
        amounts=["limit"],
    )  # fmt: skip


class Intruder:
    """Takes every count of a file of evidence as a linear equation over the cells, and asks what each small cell can be."""

    def __init__(self, frame):
        self.cells = self._cells(frame)
        self.people = self.cells["n"].to_numpy(float)
        self.live = (self.cells["state"] != "rejected").to_numpy()
        self.scored = self.cells["scored"].to_numpy(bool)
        self.known: dict[bytes, tuple[np.ndarray, float]] = {}

    @staticmethod
    def _cells(frame):
        names = [*ATTRIBUTES, STRATUM]
        rows = frame[names].astype(object).where(frame[names].notna(), UNKNOWN)
        favoured, good = frame["ok"].fillna(0) == 1, frame["repaid"].fillna(0) == 1
        seen = np.where(favoured, np.where(good, "tp", "fp"), np.where(good, "fn", "tn"))
        state = np.where(frame["ok"].isna(), "rejected", np.where(frame["repaid"].isna(), np.where(favoured, "au", "ru"), seen))
        rows = rows.assign(state=state, scored=frame["score"].notna(), n=1)
        rows.loc[state == "rejected", [*names, "scored"]] = [*[""] * len(names), True]
        every = [*itertools.product(*[sorted(set(rows[name]) - {""}) for name in names], STATES, [True, False]), ("", "", "", "rejected", True)]
        held = rows.groupby([*names, "state", "scored"])["n"].sum().reindex(pd.MultiIndex.from_tuples(every), fill_value=0)
        return pd.DataFrame(every, columns=[*names, "state", "scored"]).assign(n=held.to_numpy())

    def add(self, where, value):
        """Note a count; it must be true of the cells."""
        if value is not None:
            held = np.asarray(where, float)
            assert held @ self.people == value
            self.known[held.tobytes()] = (held, float(value))

    def states(self, names):
        return self.cells["state"].isin(list(names)).to_numpy()

    def members(self, attribute):
        return self.live & (self.cells[attribute.split(CROSS)] != UNKNOWN).all(axis=1).to_numpy()

    def place(self, attribute, group):
        names = attribute.split(CROSS)
        if not attribute:
            return self.live
        if group == SMALL_GROUPS:
            return self.live & self.cells[attribute].isin(self.folds[attribute]).to_numpy()
        if "unknown" in group:
            return self.live & ~self.members(attribute)
        levels = [part.split(" + ") for part in group.split(CROSS)]
        return np.logical_and.reduce([self.live, *(self.cells[name].isin(of) for name, of in zip(names, levels, strict=True))])

    def read(self, evidence):
        tables = {name: [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]] for name, table in evidence["tables"].items()}
        self.folds = {row["attribute"]: row["folded"].split(", ") for row in tables["verdicts"] if row["folded"] and CROSS not in row["attribute"]}
        self.add(np.ones(len(self.cells)), evidence["input"]["rows"])
        self.add(self.live, int(self.people[self.live].sum()))
        readers = {
            **dict.fromkeys(("verdicts", "rates", "by_stratum"), self._rates), **dict.fromkeys(("auc", "scores"), self._scored),
            **dict.fromkeys(("inequality", "amounts"), self._amounts), "selective": self._seen, "bounds": self._unknown,
        }  # fmt: skip
        for name, read in readers.items():
            for row in tables.get(name, ()):
                read(row)
        hidden = tables["auc"][0]["good"] is None  # then those without a score stand in the lowest part
        for count, states in (("people", SEEN), ("good", ("tp", "fn"))):
            self.add(self.live & (self.scored | hidden) & self.states(states), sum(row[count] for row in tables["calibration"]))

    def _rates(self, row):
        here, rest, metric = self.place(row["attribute"], row["group"]), self.members(row["attribute"]), TITLES[row["metric"]]
        if "stratum" in row:
            stratum = (self.cells[STRATUM] == row["stratum"]).to_numpy()
            here, rest = here & stratum, rest & stratum
        for name, where in {"people": here, "hits": here & self.states(metric.hits), "trials": here & self.states(metric.trials)}.items():
            self.add(where, row.get(name))
        if row["group"] not in {SMALL_GROUPS, "unknown"}:
            for name, states in (("ref_hits", metric.hits), ("ref_trials", metric.trials)):
                self.add(rest & ~here & self.states(states), row.get(name))

    def _scored(self, row):
        here = self.place(row["attribute"], row["group"]) & self.scored
        for name, where in {"people": here, "good": here & self.states(("tp", "fn")), "bad": here & self.states(("fp", "tn"))}.items():
            self.add(where, row.get(name))

    def _seen(self, row):
        here = self.place(row["attribute"], row["group"])
        self.add(here & self.states(SEEN), row["observed"])
        self.add(here & ~self.states(SEEN), row["unobserved"])

    def _unknown(self, row):
        self.add(self.place(row["attribute"], "unknown"), row["unknown"])

    def _amounts(self, row):
        favoured = self.states(("tp", "fp", "au"))
        here = self.place(row["attribute"], row["group"]) if "group" in row else self.members(row["attribute"])
        self.add(here & favoured, row["people"])
        if "reference_people" in row:
            self.add(self.members(row["attribute"]) & ~here & favoured, row["reference_people"])

    def wanted(self):
        """Go through every small cell and margin of attributes and stratum: all in it, and those of it without a score."""
        unscored = ~self.scored & self.states(SEEN)
        names = [*ATTRIBUTES, STRATUM]
        for by in itertools.chain.from_iterable(itertools.combinations(names, size) for size in range(len(names) + 1)):
            for levels in itertools.product(*[sorted(set(self.cells[name]) - {""}) for name in by]):
                here = np.logical_and.reduce([self.live, *((self.cells[name] == level) for name, level in zip(by, levels, strict=True))])
                for what, side in {"": here, "unscored": here & ~self.scored, "unscored, outcome seen": here & unscored}.items():
                    if 0 < side @ self.people < K:
                        yield (dict(zip(by, levels, strict=True)), what), side.astype(float)

    def determined(self):
        """Return the small cells that can be but one number."""
        sums, values = (np.array(part) for part in zip(*self.known.values(), strict=True))
        empty = sums[values == 0].any(axis=0)
        found = []
        for name, side in self.wanted():
            columns = np.unique(np.vstack([sums, side])[:, ~empty], axis=1)
            told, asked = csr_matrix(columns[:-1]), columns[-1]
            low, high = (linprog(sign * asked, A_eq=told, b_eq=values, method="highs") for sign in (1, -1))
            most = np.inf if high.status == 3 else np.floor(1e-6 - high.fun)
            if np.ceil(low.fun - 1e-6) >= most:
                found.append(name)
        return found


def reader_of(frame, study=None):
    intruder = Intruder(frame)
    intruder.read(json.loads(evidence_of(study or study_of(frame))))
    return intruder


@pytest.fixture(scope="module")
def made():
    return study_of(people())


def test_no_small_cell_is_the_difference_of_published_counts(made):
    assert reader_of(people(), made).determined() == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("unscored", [(50, 51), (0, 9), (40, 60)], ids=str)
def test_no_small_cell_is_the_difference_of_published_counts_whoever_has_no_score(seed, unscored):
    assert reader_of(people(seed=seed, unscored=unscored)).determined() == []


def test_the_intruder_is_not_blind(made):
    """Handed the number of those with an outcome and a score, or how many have a known sex in each branch, it finds what they give back."""

    frame = people()
    seen = frame[frame["ok"].notna() & frame["repaid"].notna() & frame["score"].notna()]
    told = int((seen["repaid"] == 1).sum()), int((seen["repaid"] == 0).sum())
    intruder = reader_of(frame, made)
    everybody = intruder.live & intruder.scored
    intruder.add(everybody & intruder.states(("tp", "fn")), told[0])
    intruder.add(everybody & intruder.states(("fp", "tn")), told[1])
    intruder.add(intruder.members("sex"), int(intruder.people[intruder.members("sex")].sum()))
    found = intruder.determined()
    assert ({}, "unscored, outcome seen") in found
    assert ({"sex": UNKNOWN}, "") in found


# --- the digits of a figure -------------------------------------------------------------------------------------------------------


def row_of_m(unknown, favoured):
    """Return what is published of M where the rest are F and some unknowns, 90 favoured and 97 refused together."""
    cells = {"M": (120, 78), "F": (90 - favoured, 97 - (unknown - favoured)), UNKNOWN: (favoured, unknown - favoured)}
    rows = [(level, state, "", n) for level, pair in cells.items() for state, n in zip(("au", "ru"), pair, strict=True) if n]
    frame = pd.DataFrame(rows, columns=["group.sex", "state", "reject", "n"]).astype({"n": float})
    counts = Counts(frame.assign(weight=frame["n"], weight_squared=frame["n"]), pd.DataFrame(), np.empty(0), exact=True)
    table = published(compare(counts, [("sex",)], [METRICS["selection_rate"]], bounds=Bounds()), K).set_index("group")
    assert table.loc[SMALL_GROUPS, ["hits", "trials"]].tolist() == [90, 187]
    return table.loc["M"].drop(["levels"])


def test_a_rate_of_the_rest_does_not_tell_how_many_are_unknown():
    """The published row of M stands for several numbers of unknowns: to the last digit it stood for one alone."""
    worlds = [(unknown, favoured) for unknown in range(1, K) for favoured in range(unknown + 1)]
    exact = {world: (90 - world[1]) / (187 - world[0]) for world in worlds}
    assert len(set(exact.values())) > 0.9 * len(worlds)
    near = [world for world in worlds if abs(exact[world] - exact[4, 2]) < 0.004]
    rows = {world: row_of_m(*world) for world in near}
    assert rows[4, 2]["ratio"] == pytest.approx(120 / 198 / (88 / 183), abs=0.005)
    assert {unknown for (unknown, _), row in rows.items() if row.equals(rows[4, 2])} >= {2, 4, 6, 8}


def test_the_digits_of_an_auc_do_not_tell_how_many_have_no_score(made):
    tables = made.published()
    rows = tables.performance()
    assert rows[["good", "bad"]].isna().all(axis=None)
    assert (rows[["auc", "low", "high"]] == rows[["auc", "low", "high"]].round(3)).all(axis=None)
    scores = tables.scores()
    figures = scores.loc[scores["people"].isna(), ["value", "low", "high", "under_equality"]].to_numpy(float)
    np.testing.assert_array_equal(figures, significant(figures, 3))


def test_counts_are_told_where_all_have_a_score():
    whole = study_of(people(unscored=(0, 0)))
    keys = ["attribute", "group"]
    told, working = whole.published().performance().set_index(keys), whole.performance().set_index(keys)
    pd.testing.assert_frame_equal(told, working.loc[told.index])
    pd.testing.assert_frame_equal(whole.published().calibration(), whole.calibration(), check_dtype=False)


def test_of_those_without_a_score_none_stands_apart_in_the_calibration(made):
    """Two without a score are as two with the lowest: everybody with an outcome is in one part."""
    frame = people()
    lowest = frame.assign(score=frame["score"].fillna(int(frame["score"].min())))
    told = made.published().calibration()
    pd.testing.assert_frame_equal(told, study_of(lowest).published().calibration())
    assert told["people"].sum() == (frame["ok"].notna() & frame["repaid"].notna()).sum()


# --- reasons of a rejection -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ({"a": 30, "b": 12}, {"a": 30, "b": 12}),
        ({"a": 30, "b": 12, "c": 4}, {"a": 30, "b + c": 16}),
        ({"a": 30, "b": 6, "c": 5}, {"a": 30, "b + c": 11}),
        ({"a": 3, "b": 2}, {"a + b": 5}),
        ({"a": 5}, {"a": 5}),
        ({}, {}),
    ],
)
def test_reasons_of_few_are_joined(reasons, expected):
    joined = joined_reasons(pd.Series(reasons, dtype="int64"), K).to_dict()
    assert {" + ".join(sorted(name.split(" + "))): n for name, n in joined.items()} == expected


def test_published_reasons_are_joined_and_nobody_is_lost():
    frame = people(rejected=5)
    study = scoring.audit(frame, groups=["sex"], decision="ok", favourable=1)
    assert study.published().rejects().sum() == study.rejects().sum() == 5
