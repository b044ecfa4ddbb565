"""What a search found: every candidate, the frontier, the choice and its confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pandas as pd

from scoring.errors import EquiscoreError, nearest
from scoring.fairness.narrative import Titles
from scoring.inquiry.alternatives.candidates import Candidate
from scoring.inquiry.alternatives.confirm import Shown, Watched, confirm, told
from scoring.inquiry.alternatives.evaluate import FIGURES
from scoring.inquiry.alternatives.frontier import chosen_of, with_frontier
from scoring.inquiry.alternatives.learning import learn, one_core, scores_by
from scoring.inquiry.alternatives.log import Log
from scoring.inquiry.alternatives.people import Bools, Floats, People
from scoring.inquiry.alternatives.sentences import Told, narrative
from scoring.inquiry.alternatives.settings import Settings
from scoring.inquiry.alternatives.worst_ratio import large_groups

COLUMNS: Final = [
    *("name", "family", "engine", "features_left_out", "parameters", "method", "attribute", "settings", "uses_protected_at_decision"),
    *(*FIGURES, "on_frontier", "baseline", "chosen", "status", "reason", "seconds"),
]


@dataclass(frozen=True, slots=True, eq=False)
class Alternatives:
    """The result of `search_alternatives`; its tables are counts and figures, its people stay in memory."""

    rows: pd.DataFrame
    baseline: str
    """What alternatives are held against: the score in use, or the engine in use with all features."""
    chosen: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    settings: Settings
    log: Log
    data: str
    """Digest of the people."""
    proxies: pd.DataFrame
    """How well each feature tells each group (`proxies.recoverability`), on the people of the search; empty where it was not asked."""
    people: People = field(repr=False)
    aside: Bools = field(repr=False)
    max_auc_loss: float = 0.01
    rejected: int = 0
    """Rows left out before the search, because they break the contract."""

    @classmethod
    def of(cls, rows: pd.DataFrame, **held: Any) -> Alternatives:
        """Put a result together from its rows and the other parts, chosen by the default rule."""
        found = cls(with_frontier(rows), chosen=(), **held)
        measured = found.rows.set_index("name")["status"].get(found.baseline) == "measured"
        return found.choose() if measured else found

    def table(self) -> pd.DataFrame:
        """Return a row a candidate, in the order of trying: the columns of `COLUMNS`.

        auc, profit and worst_ratio have limits (``_low``, ``_high``): of AUC DeLong's, of profit normal, of the worst ratio simultaneous over
        the `groups` in it, whose smallest is worst_group of worst_attribute. selection_rate and cutoff are of out-of-fold scores. excluded_groups
        is how many are judged EXCLUSION. status is ``measured``, ``failed`` or ``not tried``, with its reason.
        """
        named = self.rows["name"]
        return self.rows.assign(baseline=named == self.baseline, chosen=named.isin(self.chosen))[COLUMNS]

    def frontier(self) -> pd.DataFrame:
        """Return the rows of `table` that no other beats in performance and worst ratio at once, the highest AUC first."""
        rows = self.table()
        return rows[rows["on_frontier"]].sort_values("auc", ascending=False, kind="stable").reset_index(drop=True)

    def choose(self, *names: str, max_auc_loss: float = 0.01) -> Alternatives:
        """Return the same with another choice: the candidates named, or by rule (`frontier.chosen_of`).

        Raises
        ------
        EquiscoreError
            No such candidate, or one that was not measured.
        """
        for name in names:
            self.candidate(name)
            if self.rows.set_index("name")["status"][name] != "measured":
                raise EquiscoreError(f"{name!r} was not measured, so it cannot be chosen. Fix: see its reason in the table.")
        by_rule = None if names else chosen_of(self.rows, self.baseline, max_auc_loss=max_auc_loss)
        return replace(self, chosen=names or (() if by_rule is None else (by_rule,)), max_auc_loss=max_auc_loss)

    def candidate(self, name: str) -> Candidate:
        """Return a candidate by its name.

        Raises
        ------
        EquiscoreError
            There is none; the likeliest slip is named.
        """
        held = {one.name: one for one in self.candidates}
        if name not in held:
            likely = nearest(name, held)
            raise EquiscoreError(f"No candidate {name!r}{f' (was {likely!r} meant?)' if likely else ''}. Fix: use a name of the table.")
        return held[name]

    def estimator(self, name: str | None = None) -> Any:
        """Return a candidate fitted on everybody: the one named, or the one chosen. It predicts from features alone.

        It sees the features that it does not leave out (``feature_names_in_``). One that `uses_protected_at_decision` takes
        ``sensitive_features`` at prediction as well. It has seen these people: do not audit its scores of them.

        Raises
        ------
        EquiscoreError
            No such candidate, nothing or several chosen.
        """
        if name is None and len(self.chosen) != 1:
            raise EquiscoreError(f"{len(self.chosen)} candidates are chosen. Fix: name one.")
        with one_core():
            return learn(self.candidate(name or self.chosen[0]), self.people, self.settings)

    def confirmed(self) -> pd.DataFrame:
        """Return baseline and choice on the people set aside, with their differences (`confirm.confirm`), and `looks`.

        Each is learned from all people of the search and accepts the share that it accepted there. It is written to the log; `looks` counts the
        different choices that were confirmed on these people so far: after the first, the part set aside is no longer unseen, and the best of
        several looks better than it is.

        Raises
        ------
        EquiscoreError
            Nobody was set aside, or nothing is chosen.
        """
        if not self.aside.any() or not self.chosen:
            what = "Nobody was set aside" if not self.aside.any() else "Nothing is chosen"
            raise EquiscoreError(f"{what}, so nothing can be confirmed. Fix: search with a holdout, and choose a candidate.")
        names = (self.baseline, *(name for name in self.chosen if name != self.baseline))
        asked = {"kind": "confirmation", "data": self.data, "settings": self.settings.told(), "names": list(names)}
        before = self.log.confirmations(self.data)
        known = [held for held in before if held["names"] == asked["names"]]
        rows = pd.DataFrame(known[0]["rows"]) if known else self._confirm(names)
        if not known:
            self.log.write({**asked, "rows": told(rows)})
        others = {tuple(held["names"]) for held in (*before, asked)}
        numbers = [name for name in rows if name not in {"name", "worst_attribute", "worst_group"}]
        return rows.astype(dict.fromkeys(numbers, float)).assign(looks=len(others))

    def _confirm(self, names: Sequence[str]) -> pd.DataFrame:
        searched, held_out = self.people.rows(~self.aside), self.people.rows(self.aside)
        shares = self.rows.set_index("name")["selection_rate"]
        shown = [Shown(name, self._scored(name, searched, held_out), float(shares[name])) for name in names]
        return confirm(held_out, shown[0], shown[1:], self.settings, Watched(large_groups(searched, self.settings), self._worst_off))

    @property
    def _worst_off(self) -> tuple[tuple[str, str], ...]:
        """The group that was worst off by the baseline in the search."""
        row = self.rows[self.rows["name"] == self.baseline].iloc[0]
        return ((str(row["worst_attribute"]), str(row["worst_group"])),) if row["worst_group"] else ()

    def _scored(self, name: str, searched: People, held_out: People) -> Floats:
        if held_out.current is not None and name == self.baseline:
            return held_out.current
        one = self.candidate(name)
        with one_core():
            return scores_by(one, learn(one, searched, self.settings), held_out)

    def narrative(self, language: str = "en", *, titles: Titles | None = None) -> list[str]:
        """Return what was found as plain sentences, in English or French; the choice is confirmed first, where people were set aside."""
        confirmed = self.confirmed() if self.chosen and self.aside.any() else None
        told_ = Told(self.table(), self.settings, self.baseline, self.chosen, self.max_auc_loss, confirmed, int(self.aside.sum()), self.rejected)
        return narrative(told_, language, titles=titles)

    def plot(self, *, ax: Any = None, language: str = "en", titles: Titles | None = None) -> Any:
        """Draw the candidates: AUC across, worst ratio up, the frontier, the baseline and the choice marked."""
        from scoring.plots.frontier import plot_frontier

        return plot_frontier(self.table(), bounds=self.settings.bounds, ax=ax, language=language, titles=titles)
