"""Make the `instalments` sample: 60,000 customers of a French retailer that does not exist. Every person in it is made.

``python data/samples/instalments/generate.py [OUT_DIR]``, or ``generate(folder)``. What is planted in the data and why
is in `DATASHEET.md`, as a table for machines in `planted.yaml`; the digests of the files are in `SHA256SUMS`.

The same bytes come out on every machine: chance is only ever a uniform double of PCG64 (a bit stream that numpy keeps),
turned at once into an integer by a product and a floor (exact in IEEE 754); everything after that is integer arithmetic.
"""

from __future__ import annotations

import csv
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

SEED = 20261119
CUSTOMERS = 60_000
AS_OF = np.datetime64("2026-11-01")
CUTOFF = 500
BASE_POINTS = 316
UNKNOWN_SHARE = 400  # of ten thousand: 4 % of sex, birth date, commune type and QPV, each by a draw of its own
OTHER_LANGUAGE = 40  # people of the planted group that is too small to tell
ABROAD = 60  # people of the planted group of whom nobody is accepted
TWINS = 100  # pairs; they matter to the three source systems only
TEN_THOUSAND = 10_000

SEXES = ("F", "M")
COMMUNES = ("urban", "suburban", "rural", "overseas")
CHANNELS = ("shop", "web", "phone")
RANGES = ("electronics", "appliances", "furniture")
INCOMES = ("low", "middle", "high")
BANKS = ("mainland", "overseas", "abroad")
LANGUAGES = ("fr", "en", "other")
BIRTHS = (("2001-11-02", "2008-04-30"), ("1986-11-02", "2001-11-01"), ("1960-11-02", "1986-11-01"), ("1932-11-02", "1960-11-01"))

# The retailer's old rule: points of each band, the lower edges of the bands being below.
RESIDENCE_EDGES, RESIDENCE_POINTS = (0, 2, 5, 10), (0, 60, 80, 90)
MONTHS_EDGES, MONTHS_POINTS = (0, 6, 24, 60), (0, 45, 60, 70)
PURCHASE_EDGES, PURCHASE_POINTS = (0, 2, 5, 10, 20), (0, 25, 45, 60, 70)
CHANNEL_POINTS = {"shop": 25, "web": 20, "phone": 0}
RANGE_POINTS = {"electronics": 20, "appliances": 0, "furniture": -22}
RETURN_POINTS = (25, 15, 0, -35)  # nothing sent back, under a fifth of the purchases, under a half, a half or more

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
Column = Sequence[object]


class Dice:
    """One stream of chance, from one seed: uniform doubles, turned into integers."""

    def __init__(self, topic: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(SEED + topic))

    def below(self, high: int | Ints, n: int) -> Ints:
        """Draw `n` integers from 0 to `high` - 1."""
        return np.floor(self._rng.random(n) * high).astype(np.int64)

    def happens(self, odds: int | Ints, n: int) -> Flags:
        """Let something happen with `odds` of ten thousand."""
        return self.below(TEN_THOUSAND, n) < odds

    def pick(self, shares: Sequence[Sequence[int]], which: Ints) -> Ints:
        """Draw a level for each row: the shares in hundredths are those of the row's kind, ``shares[which]``."""
        edges = np.cumsum(np.array(shares, dtype=np.int64) * 100, axis=1)[:, :-1]
        return (self.below(TEN_THOUSAND, len(which))[:, None] >= edges[which]).sum(axis=1)

    def within(self, bands: Sequence[tuple[int, int]], which: Ints) -> Ints:
        """Draw a whole number from the row's band, ``bands[which]``, both ends included."""
        low, high = np.array(bands, dtype=np.int64).T
        return low[which] + self.below((high - low + 1)[which], len(which))

    def lot(self, size: int, among: Flags) -> Flags:
        """Draw `size` rows by lot from those in `among`."""
        order = np.argsort(np.where(among, self._rng.random(len(among)), 2.0), kind="stable")
        chosen = np.zeros(len(among), dtype=bool)
        chosen[order[:size]] = True
        return chosen


def population(n: int) -> dict[str, Ints]:
    """Draw who the people are; numbers stand for the levels, in the order of the tuples above."""
    dice, all_alike = Dice(1), np.zeros(n, dtype=np.int64)
    sex = dice.pick([[52, 48]], all_alike)
    age = dice.pick([[10, 27, 43, 20], [10, 29, 45, 16]], sex)
    first, last = np.array(BIRTHS, dtype="datetime64[D]").astype(np.int64).T
    commune = dice.pick([[45, 27, 24, 4]], all_alike)
    people = {
        "sex": sex,
        "age": age,
        "born": first[age] + dice.below((last - first + 1)[age], n),
        "commune": commune,
        "qpv": dice.happens(np.array([1300, 600, 0, 1200])[commune], n).astype(np.int64),
    }
    twin = np.arange(TWINS, dtype=np.int64) * (n // TWINS)
    for name in ("age", "born", "commune", "qpv"):
        people[name][twin + 1] = people[name][twin]
    people["twin"] = np.zeros(n, dtype=np.int64)
    people["twin"][twin + 1] = 1
    people["couple"] = couples(people)
    people["income"] = dice.pick([[28, 50, 22], [58, 35, 7]], people["qpv"])
    abroad = dice.lot(ABROAD, np.ones(n, dtype=bool))
    bank = np.where(dice.happens(np.array([40, 40, 20, 8800])[commune], n), 1, 0)
    people["bank"] = np.where(abroad, 2, bank)
    english = dice.happens(260, n).astype(np.int64)
    people["language"] = np.where(dice.lot(OTHER_LANGUAGE, ~abroad), 2, english)
    return people


def couples(people: Mapping[str, Ints]) -> Ints:
    """Mark the second of two neighbours in the draw who could be man and wife, and therefore are: they share a home."""
    first, second = ({name: column[k::2] for name, column in people.items()} for k in (0, 1))
    alike = (first["commune"] == second["commune"]) & (first["qpv"] == second["qpv"])
    of_age = (first["age"] > 0) & (second["age"] > 0) & (np.abs(first["born"] - second["born"]) < 4_400)
    pair = alike & of_age & (first["sex"] != second["sex"]) & (second["twin"] == 0)
    return np.repeat(pair.astype(np.int64), 2) * np.tile(np.array([0, 1]), len(pair))


def habits(people: Mapping[str, Ints]) -> dict[str, Ints]:
    """Draw what the retailer knows of each customer. The three planted mechanisms are here, and nowhere else."""
    n, dice = len(people["sex"]), Dice(2)
    women, old, rural = people["sex"] == 0, people["age"] == 3, people["commune"] == 2
    young, other = people["age"] == 0, people["language"] == 2
    # Planted: an estate that is being rebuilt rehouses its tenants, and the old rule counts years at the present address.
    residence_band = dice.pick([[14, 26, 28, 32], [48, 31, 13, 8]], people["qpv"])
    years = (AS_OF.astype("datetime64[D]").astype(np.int64) - people["born"]) * 100 // 36_525
    residence = np.minimum(dice.within([(0, 1), (2, 4), (5, 9), (10, 45)], residence_band), years)
    # Planted: in the country the account of a couple was the husband's; his widow or wife had to open one anew, by telephone.
    kind = np.select([other, women & old & rural, ~women & old & rural, young], [4, 1, 2, 3], 0)
    months_band = dice.pick([[10, 28, 30, 32], [33, 39, 18, 10], [2, 12, 32, 54], [10, 42, 48, 0], [28, 37, 23, 12]], kind)
    months = dice.within([(0, 5), (6, 23), (24, 59), (60, 240)], months_band)
    months = np.minimum(months, (years - 16) * 12 + 11)
    channel = dice.pick([[50, 38, 12], [36, 6, 58], [68, 16, 16], [34, 64, 2], [22, 6, 72]], kind)
    # Planted: women buy more often and send back less, but buy furniture, where the rule takes points off.
    purchases_band = dice.pick([[6, 20, 34, 28, 12], [12, 27, 32, 22, 7]], people["sex"])
    purchases = dice.within([(0, 1), (2, 4), (5, 9), (10, 19), (20, 44)], purchases_band)
    returns_kind = dice.pick([[56, 26, 13, 5], [50, 26, 16, 8]], people["sex"])
    returns = purchases * np.array([0, 15, 35, 60])[returns_kind] // 100
    basket = 1_800 + dice.below(120, n) * dice.below(140, n)
    purchases = np.maximum(purchases, (months < 13).astype(np.int64))  # who is new has bought; nought and one earn the same points
    known_for = months * 30 + 29
    recent = dice.below(np.minimum(np.maximum(365 // (purchases + 1), 2) * 2, np.minimum(known_for, 365) + 1), n)
    lapsed = 366 + dice.below(np.clip(known_for - 366, 1, 420), n)
    card = dice.happens(6_000, n)
    spend = purchases * basket
    return {
        "residence": residence,
        "months": months,
        "channel": channel,
        "purchases": purchases,
        "returns": returns,
        "spend_cents": spend,
        "recency": np.where(purchases == 0, lapsed, recent),
        "range": dice.pick([[20, 30, 50], [50, 30, 20]], people["sex"]),
        "card": card.astype(np.int64),
        "loyalty_points": np.where(card, spend // 100 * 2 + dice.below(400, n), 0),
    }


def points_of(values: Ints, edges: Sequence[int], points: Sequence[int]) -> Ints:
    """Read the points of each value off its band."""
    return np.array(points, dtype=np.int64)[np.searchsorted(np.array(edges), values, side="right") - 1]


def score(known: Mapping[str, Ints]) -> Ints:
    """Add up the old rule. It sees no protected attribute; `known` are the columns of `habits`."""
    bought, back = known["purchases"], known["returns"]
    sent_back = np.select([back == 0, back * 5 < bought, back * 2 < bought], [0, 1, 2], 3)
    return (
        BASE_POINTS
        + points_of(known["residence"], RESIDENCE_EDGES, RESIDENCE_POINTS)
        + points_of(known["months"], MONTHS_EDGES, MONTHS_POINTS)
        + points_of(bought, PURCHASE_EDGES, PURCHASE_POINTS)
        + np.array(RETURN_POINTS)[sent_back]
        + np.array([CHANNEL_POINTS[name] for name in CHANNELS])[known["channel"]]
        + np.array([RANGE_POINTS[name] for name in RANGES])[known["range"]]
    )


def repays(points: Ints, known: Mapping[str, Ints], income: Ints) -> Flags:
    """Draw who would pay back. Years at the address have no bearing on it, so their points are taken off first."""
    merit = points - points_of(known["residence"], RESIDENCE_EDGES, RESIDENCE_POINTS)
    odds = 9_000 + (merit - CUTOFF + 80) * 8 + np.array([-250, 0, 150])[income]
    return Dice(3).happens(np.clip(odds, 6_000, 9_900), len(points))


def customers(people: Mapping[str, Ints], known: Mapping[str, Ints]) -> dict[str, Column]:
    """Lay out `customers.csv`, with 4 % of four attributes unknown."""
    n, dice = len(people["sex"]), Dice(4)
    points = score(known)
    policy = people["bank"] == BANKS.index("abroad")  # the old direct-debit file takes French account numbers only
    accepted = (points >= CUTOFF) & ~policy
    repaid = np.where(accepted, np.where(repays(points, known, people["income"]), "yes", "no"), "")
    decided = np.datetime64("2026-05-01") + dice.below(184, n)

    def seen(values: object) -> list[object]:
        return np.where(dice.happens(UNKNOWN_SHARE, n), "", np.asarray(values)).tolist()

    return {
        "customer_id": [f"C{i:06d}" for i in range(1, n + 1)],
        "decided_on": np.datetime_as_string(decided).tolist(),
        "sex": seen(np.array(SEXES)[people["sex"]]),
        "birth_date": seen(np.datetime_as_string(people["born"].astype("datetime64[D]"))),
        "commune_type": seen(np.array(COMMUNES)[people["commune"]]),
        "qpv": seen(np.array(["no", "yes"])[people["qpv"]]),
        "contact_language": np.array(LANGUAGES)[people["language"]].tolist(),
        "bank_domicile": np.array(BANKS)[people["bank"]].tolist(),
        "residence_years": known["residence"].tolist(),
        "months_as_customer": known["months"].tolist(),
        "channel": np.array(CHANNELS)[known["channel"]].tolist(),
        "product_range": np.array(RANGES)[known["range"]].tolist(),
        "income_band": np.array(INCOMES)[people["income"]].tolist(),
        "purchases_12m": known["purchases"].tolist(),
        "spend_12m_eur": [f"{cents // 100}.{cents % 100:02d}" for cents in known["spend_cents"].tolist()],
        "returns_12m": known["returns"].tolist(),
        "recency_days": known["recency"].tolist(),
        "loyalty_card": np.array(["no", "yes"])[known["card"]].tolist(),
        "loyalty_points": known["loyalty_points"].tolist(),
        "score": points.tolist(),
        "accepted": np.where(accepted, "yes", "no").tolist(),
        "refusal_reason": np.select([policy, ~accepted], ["account_abroad", "score"], "").tolist(),
        "repaid": repaid.tolist(),
    }


def sources() -> ModuleType:
    """Load the neighbour `sources.py` by its place: a sample's folder is no package."""
    spec = importlib.util.spec_from_file_location("equiscore_sample_instalments_sources", Path(__file__).with_name("sources.py"))
    if spec is None or spec.loader is None:
        raise ImportError("sources.py must lie beside generate.py. Fix: copy the whole folder of the sample.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(tables: Mapping[str, Mapping[str, Column]], folder: Path) -> list[Path]:
    """Write every table as CSV, all or none: no file gets its name before the last one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {folder / name: folder / f".{name}.part" for name in tables}
    try:
        for part, table in zip(parts.values(), tables.values(), strict=True):
            with part.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(table)
                writer.writerows(zip(*table.values(), strict=True))
        for path, part in parts.items():
            part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    return list(parts)


def generate(folder: Path) -> list[Path]:
    """Write all files of the sample into `folder`, and return their paths."""
    people = population(CUSTOMERS)
    known = habits(people)
    return write({"customers.csv": customers(people, known), **sources().tables(people, known, Dice)}, folder)


if __name__ == "__main__":
    for written in generate(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("instalments")):
        print(written)
