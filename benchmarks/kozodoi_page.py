"""The part of docs/scoring.md that `kozodoi.py` writes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pandas as pd
from kozodoi import ENGINES, MEASURES, THEIRS, Loans, as_theirs, everybody_scored, over_splits, read_loans
from validity_report import table


def page(*, short: bool) -> Iterator[str]:
    """Give the section of docs/scoring.md, piece by piece."""
    loans = read_loans()
    found = as_theirs(loans, redraws=2 if short else 20).pivot_table(index="way", columns="measure", values=["value", "low", "high", "spread"])
    yield HEAD
    yield table(pd.DataFrame(_beside(found)))
    yield REMARKS
    seeds = range(2, 4 if short else 22)
    splits = over_splits(loans, seeds)
    yield f"### Other splits\n\nThe same on {len(seeds)} other splits (seeds 2 to {seeds[-1]}), mean of the folds; the gap is young less old."
    yield table(pd.DataFrame(_splits(splits)))
    yield EVERYBODY
    yield table(pd.DataFrame(_everybody(loans)))


def _beside(found: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for name in MEASURES:
        theirs = [THEIRS[way][name] for way in ("unconstrained", "reweighing")]
        row = {"measure": NAMES[name], "theirs": f"{theirs[0]:.4f}"}
        row |= {"ours": _with_limits(found, "unconstrained", name), "theirs, reweighing": f"{theirs[1]:.4f}"}
        row |= {"ours, redrawn": f"{found.loc['redrawn', ('value', name)]:.4f} (sd {found.loc['redrawn', ('spread', name)]:.4f})"}
        yield row | {
            "ours, weights in training": _with_limits(found, "reweighed", name),
            "change by the weights": _with_limits(found, "change", name),
        }


def _with_limits(found: pd.DataFrame, way: str, name: str) -> str:
    value, low, high = (found.loc[way, (part, name)] for part in ("value", "low", "high"))
    return f"{value:.4f} ({low:.4f} to {high:.4f})"


def _splits(splits: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for name, rows in splits.groupby("engine", sort=False):
        under, nearer = (rows["before"] < 0).sum(), (rows["after"].abs() < rows["before"].abs()).sum()
        row = {"engine": name, "AUC": rows["AUC"].mean(), "gap": rows["before"].mean(), "under 0": f"{under} of {len(rows)}"}
        yield row | {
            "AUC, reweighed": rows["AUC reweighed"].mean(),
            "gap, reweighed": rows["after"].mean(),
            "nearer to 0": f"{nearer} of {len(rows)}",
        }


def _everybody(loans: Loans) -> Iterator[dict[str, Any]]:
    for name, reads_age, reweighed in product(ENGINES, (True, False), (False, True)):
        f = everybody_scored(loans, ENGINES[name], reweighed=reweighed, reads_age=reads_age)
        row = {"engine": name, "reads the age": "yes" if reads_age else "no", "reweighed": "yes" if reweighed else "no", "AUC": f["AUC"]}
        gap = f"{f['parity']:.4f} ({f['low']:.4f} to {f['high']:.4f})"
        yield row | {"profit": f["profit"], "young accepted": f["young"], "old accepted": f["old"], "gap": gap}


NAMES = {
    "AUC": "AUC", "profit": "profit per euro lent", "parity": "statistical parity difference", "odds": "average odds difference",
    "predictive": "predictive parity difference", "accepted": "share accepted",
}  # fmt: skip
HEAD = """## Kozodoi, Jacob & Lessmann 2022, German credit by age

Theirs: the table of their repository (`output/results_german.html`), means of four learners (logistic regression, random forest, XGBoost, neural
network) and five folds; their code takes absolute values, so no sign is printed. Ours: means of three engines (scorecard, boosting, logistic) and
the same five folds, on the same 300 test loans, 53 of them of people of 25 or younger. Gaps are young less old: under 0, the young are accepted
less often. In parentheses 95 % limits over draws of the test people (2,000)."""
REMARKS = """Sign and size agree, and so does the fall under reweighing. The sign follows from the data: in theirs it is not printed.

What a reader of the two tables should know of their code:

- It redraws the test set too, by weights from the test set's own outcomes, so its figures under reweighing are of other people than those without.
  Our column *redrawn* does the same (20 draws for each model; means of absolute values, as theirs; sd of one draw; theirs has five draws): most of
  the fall in AUC is of the people redrawn. *Weights in training* leaves the people who come as they are, which is what a lender can do.
- The function for the expected maximum profit is given the good as those who default (the values in their files, .15 to .18, are beyond
  .275 x .3 = .0825, the most there is where three loans in ten are bad). Hence 61 % accepted; with the roles put right it would be about 82 %.
- A good loan refused counts as a loss of its interest, and the cut-off of the profit is chosen on the test set.
- The models read the age. Without it a part of the gap is gone before anything is reweighed: a fifth to a half (last table).
- The average odds difference is computed from both error rates of each group, by the definition; a slip in the printed formula (5) has no part in it.

The column personal_status_and_sex of this file does not tell men from women (Groemping 2019, South German Credit: one code is of women who are not
single and of single men), so nothing is said by sex."""
EVERYBODY = """### At their acceptance, everybody scored

All 1,000 loans scored out of fold (five folds), the best 61.43 % accepted: 190 young people in the place of 53. The gap with Newcombe's 95 % limits.
Profit is at this cut-off. A scorecard that is reweighed gives the age no weight: its two lines are the same."""
