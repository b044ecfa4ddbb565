"""What else could have been done with the same files: flag every group by a usual rule, or take the best-off group as if it had been named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import special
from validity_layouts import SIZES, Layout, chunks, limit, sides_of, truth
from validity_report import Section, percent
from validity_rules import ALPHA, TAU, four_fifths, holm_rejects, z_test

from scoring.fairness.hypotheses import ratio_test


def alarms(job: tuple[Layout, int]) -> dict[str, float]:
    """Return the share of files with an alarm though all groups have one rate: ours (s), four-fifths on estimates, z per group, unadjusted."""
    layout, files = job
    known = truth(layout)
    assert known is not None
    rng = np.random.default_rng([layout.seed, layout.groups, SIZES.index(layout.sizes), round(100 * layout.rate), 9])
    total = np.zeros(3)
    for start, stop in chunks(files, 0, layout.groups):
        hits = rng.binomial(known.people, known.rate, (stop - start, layout.groups)).astype(float)
        sides = sides_of(hits, known)
        ours = holm_rejects(ratio_test(*sides, tolerance=TAU, exact=False).p_exclusion, ALPHA)
        total += [flagged.any(1).sum() for flagged in (ours, four_fifths(sides), z_test(sides) < -special.ndtri(1 - ALPHA))]
    return dict(zip(("ours", "four-fifths", "z-test"), (total / files).tolist(), strict=True))


def best(job: tuple[int, int, float, int]) -> dict[str, object]:
    """Judge equal groups, half of them at the tolerance, against the best-off one: as if it had been named, and all pairs."""
    k, n, rate, files = job
    rng = np.random.default_rng([k, n, round(100 * rate)])
    people = np.arange(n + 1.0)
    p_exclusion, p_within = ratio_test(people[:, None], n, people[None, :], n, tolerance=TAU, exact=False)
    lower = np.arange(k) < k // 2
    false = np.zeros(4)
    for start, stop in chunks(files, 0, k):
        x = rng.binomial(n, np.where(lower, TAU * rate, rate), (stop - start, k))
        top = x.argmax(1)
        rival = np.where(np.arange(k) == top[:, None], np.sort(x, axis=1)[:, -2:-1], x.max(1, keepdims=True))
        itself = np.arange(k) == top[:, None]
        naive = [np.where(itself, np.nan, p[x, x.max(1, keepdims=True)]) for p in (p_exclusion, p_within)]
        # p falls as the rival's hits rise on the side of exclusion, and rises on the other: the best of the others decides both
        pairs = np.minimum((k - 1) * p_exclusion[x, rival], 1.0), p_within[x, rival]
        for way, (excluded, within) in enumerate([holm_rejects(p, ALPHA) for p in how] for how in (naive, pairs)):
            false[2 * way : 2 * way + 2] += excluded.any(1).sum(), (within & lower).any(1).sum()
    names = ("naive EXCLUSION", "naive WITHIN", "all pairs EXCLUSION", "all pairs WITHIN")
    return {
        "groups": k,
        "people each": n,
        "rate of the better half": rate,
        **{name: percent(share) for name, share in zip(names, false / files, strict=True)},
    }


def parity_section(layouts: Sequence[Layout], seen: Sequence[Mapping[str, float]]) -> Section:
    """Put the alarms of `alarms` in a table, by number of groups."""
    rows = []
    for k in sorted({layout.groups for layout in layouts}):
        cells = [found for layout, found in zip(layouts, seen, strict=True) if layout.groups == k]
        columns = {"four-fifths": "four-fifths on estimates", "z-test": "z-test per group", "ours": "EXCLUSION"}
        shown = {
            title: f"{percent(float(np.median([c[name] for c in cells])))} (worst {percent(max(c[name] for c in cells))})"
            for name, title in columns.items()
        }
        rows.append({"groups": k, **shown})
    worst = max(found["ours"] for found in seen)
    simulated = (
        "The same sizes and overall rates, with every group at the same rate: whatever is flagged is chance. Shown is the share of files in which at "
        "least one group is flagged, in the median layout and in the worst. Four-fifths: estimated ratio to the rest under .8. z-test: pooled, "
        "lower, two-sided at 5 %, not adjusted. EXCLUSION: s and Holm."
    )
    missed = [f"EXCLUSION in {percent(worst)} of the files."] if worst > limit(ALPHA, 20_000, 0.005) else []
    return Section(
        "No difference at all", simulated, "EXCLUSION in at most 2.5 % of the files. The two rules promise nothing.", pd.DataFrame(rows), missed
    )


def best_section(rows: pd.DataFrame) -> Section:
    """Put the rows of `best` in a table."""
    simulated = (
        "Equal groups, half of them at .8 of the rate of the others, compared with whichever is best off in the file: by the ordinary test (s) "
        "and Holm, as if that group had "
        "been named beforehand; and by all pairs, as `reference: best` does. 20,000 files each (500 in the short run)."
    )
    worst = max(float(str(share).rstrip(" %")) for share in [*rows["all pairs EXCLUSION"], *rows["all pairs WITHIN"]])
    promised = f"All pairs: each at most {percent(ALPHA)}. The ordinary test promises nothing here, as the data chose the reference."
    return Section("The best-off group as the reference", simulated, promised, rows, [f"All pairs: {worst} %."] if worst > 3.0 else [])
