"""Validity, measured and not claimed: `python benchmarks/validity.py [--short] [--part NAME] [--write docs/validity.md]`.

1. coverage: every interval, by enumeration.
2. familywise: false EXCLUSION and false WITHIN_TOLERANCE of a whole file, beside the tests that are not used and the two usual rules.
3. power: what is found and what is cleared, by true ratio and size; `people_needed`.
4. subgroups: planted intersections, found by the search and by the two rules.
5. others: weights, clusters, F1, AUC, the bootstrap, the widest gap.
Every draw is seeded. Without `--part` all five are run; each replaces its own part of the page as soon as it is measured. `--short` draws few files
of few layouts, on one core, in less than a minute: enough to see that nothing is badly off, not to reproduce the figures.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import validity_coverage
import validity_familywise
import validity_others
import validity_power
import validity_subgroups
from validity_report import ORDER, Part, markdown, written

PARTS: Mapping[str, Callable[..., Part]] = {
    "coverage": validity_coverage.run,
    "familywise": validity_familywise.run,
    "power": validity_power.run,
    "subgroups": validity_subgroups.run,
    "others": validity_others.run,
}
HEAD = """# Validity, measured

Written by `python benchmarks/validity.py --write docs/validity.md`. Every draw is seeded: the same versions of numpy and scipy give the
same figures. Each table says what was simulated, what is promised, what came out, and where it misses.

The two rules beside ours are those in common use. **Four-fifths**: a group is flagged where the estimated ratio of its rate to the others'
is under .8, and passed otherwise. **z-test per group**: a group is flagged where its rate is lower than the others' by a two-proportion
z-test of equality, pooled, two-sided at 5 %, not adjusted.

Our verdicts test the ratio against .8 from both sides at 2.5 % each, by the skewness-corrected score (s) and, where a count expected is under
5, exactly; adjusted over all groups by Holm. EXCLUSION is false where the true ratio is .8 or more, WITHIN_TOLERANCE where it is .8 or less.
A simulated share has an error of its own: with 20,000 files, a true 2.5 % comes out between 2.2 and 2.8 %.

The figures are of the methods, on counts drawn as the methods suppose. They do not say that any file is without exclusion."""


def main() -> None:
    """Run the parts and print or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="few files, under a minute")
    parser.add_argument("--part", choices=ORDER, help="one part only")
    parser.add_argument("--write", type=Path, help="the page that takes the results, instead of printing them")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at a time (one with --short)")
    asked = parser.parse_args()
    for name in [asked.part] if asked.part else ORDER:
        begun = time.perf_counter()
        part = PARTS[name](short=asked.short, processes=1 if asked.short else asked.processes)
        if asked.write:
            written(part, asked.write, head=HEAD)
        else:
            print(markdown(part), "\n")
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
