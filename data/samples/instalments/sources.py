"""The same made people, as three source systems wrote them down: till, web shop, loyalty card; and their consent log.

`generate.py` calls `tables`. Nobody is described: names, streets and towns are put together by chance from the lists in `words.json`, and
any likeness is chance too; e-mail domains end in ``.example`` (RFC 2606), and telephone numbers come from the ranges that
Arcep keeps for works of fiction (decision 2018-0881, article 2.5.12).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
Words = np.ndarray[tuple[int, ...], np.dtype[np.object_]]
Table = Mapping[str, Sequence[object]]


class Chance(Protocol):
    """What this file asks of `generate.Dice`."""

    def __init__(self, topic: int) -> None: ...
    def below(self, high: int | Ints, n: int) -> Ints: ...  # noqa: D102  (said where it is made)
    def happens(self, odds: int | Ints, n: int) -> Flags: ...  # noqa: D102


WORDS = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
SHORT_KINDS = {"avenue": "AV", "boulevard": "BD", "place": "PL", "allée": "ALL", "impasse": "IMP", "chemin": "CHE", "route": "RTE"}
DOMAINS = ("courriel.example", "poste.example", "toile.example", "boite.example")
NO_MAIL, MOBILE = "noemail@courriel.example", ("06", "+33 6")
FICTION = ("06 39 98", "01 99 00", "02 61 91", "03 53 01", "04 65 71", "05 36 49")

PLAIN = str.maketrans({"œ": "oe", "Œ": "OE"} | dict(zip("àâäçéèêëîïôöùûüÀÂÄÇÉÈÊËÎÏÔÖÙÛÜ", "aaaceeeeiioouuuAAACEEEEIIOOUUU", strict=True)))
LISTED = 25  # first names a list
SOURCES = ("shop", "web", "loyalty")
DUPLICATED = (600, 400, 200)  # of ten thousand: the same person twice in the same source
TRAPS = ("typo", "swapped", "birth_name", "short_first_name", "moved", "no_birth_date", "wrong_birth_date", "shared_contact", "no_contact")
TRAP_ODDS = {  # of ten thousand, by source
    "typo": (900, 500, 700),
    "swapped": (150, 300, 250),
    "birth_name": (700, 2600, 2900),
    "short_first_name": (900, 200, 500),
    "moved": (1000, 500, 1400),
    "no_birth_date": (4500, 2000, 1000),
    "wrong_birth_date": (250, 100, 300),
    "shared_contact": (600, 200, 1200),
    "no_contact": (3500, 200, 2500),
}
END = int(np.datetime64("2026-10-31T23:59:59").astype("datetime64[s]").astype(np.int64))
LOG_BEGINS = int(np.datetime64("2018-05-25T00:00:00").astype("datetime64[s]").astype(np.int64))
DAY = 86_400

# Consent threads: source, channel, purpose, then acts in their order: action, odds of ten thousand, longest wait in seconds.
THREADS = (
    ("web", "email", "prospecting", "request", 5000, 400 * DAY, "confirm", 7200, 2 * DAY, "withdraw", 1400, 900 * DAY),
    ("web", "email", "partners", "request", 1000, 400 * DAY, "confirm", 6000, 2 * DAY, "withdraw", 3000, 300 * DAY),
    ("web", "sms", "prospecting", "grant", 5000, 400 * DAY, "withdraw", 1500, 900 * DAY),
    ("shop", "sms", "prospecting", "grant", 5000, 400 * DAY, "withdraw", 1500, 600 * DAY, "grant", 2500, 300 * DAY),
    ("shop", "phone", "prospecting", "grant", 1200, 400 * DAY, "withdraw", 1200, 900 * DAY),
    ("shop", "phone", "prospecting", "object", 400, 900 * DAY),
    ("shop", "post", "prospecting", "object", 500, 900 * DAY),
    ("loyalty", "email", "prospecting", "grant", 5500, 30 * DAY, "withdraw", 1500, 900 * DAY),
    ("loyalty", "email", "delivery", "bounce", 500, 900 * DAY),
    ("loyalty", "any", "profiling", "object", 300, 900 * DAY),
)
NOTICES = (("2018-05-25", "v1-2018-05"), ("2022-03-01", "v2-2022-03"), ("2024-09-15", "v3-2024-09"), ("2026-08-11", "v4-2026-08"))
PROOFS = {"request": "form", "confirm": "double-opt-in-token", "grant": "signed-form", "withdraw": "link", "object": "letter", "bounce": "smtp-550"}
LAGS = {"web": 180, "shop": 21 * DAY, "loyalty": DAY}  # the longest wait between an event and its entry in the log


@functools.cache
def plain(text: str) -> str:
    """Fold to capital letters without accents, as the till does: "Lœïc d'Aubière" to "LOEIC D'AUBIERE"."""
    return text.translate(PLAIN).upper()


@functools.cache
def mailbox(first: str, last: str) -> str:
    """Make the part of an e-mail address before the number."""
    return f"{plain(first)}.{plain(last)}".replace(" ", "").replace("'", "").lower()


@functools.cache
def mistyped(word: str, how: int) -> str:
    """Spoil a word in one of five ways: a letter lost, doubled, exchanged with the next or replaced; a space put in."""
    at = 1 + how // 5 % max(len(word) - 2, 1)
    ways = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at : at + 1] + word[at:],
        word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
        word[:at] + "esaniltr"[how % 8] + word[at + 1 :],
        f"{word[:at]} {word[at:]}",
    )
    return ways[how % 5]


@functools.cache
def shortened(first: str, whole: int) -> str:
    """Shorten a first name: "Jean-Pierre" to "Jean" or "J.-P.", "Hugo" to "H."."""
    parts = first.split("-")
    return parts[0] if whole and len(parts) > 1 else "-".join(f"{part[0]}." for part in parts)


def words(strings: Sequence[str]) -> Words:
    """Hold strings as Python objects, so that picking by index copies no text."""
    return np.array(list(strings), dtype=object)


def surnames() -> Words:
    """List all surnames: made of two syllables, and one in eight of a shape that trips matching."""
    made = [head + tail for head in WORDS["surname_heads"] for tail in WORDS["surname_tails"]]
    odd = WORDS["surnames_that_trip_matching"]
    return words([*made, *(odd * (len(made) // (7 * len(odd))))])


def identities(people: Mapping[str, Ints], dice: Chance) -> dict[str, Words]:
    """Give everyone a first name, a surname at birth and one in use, an e-mail address and a telephone number."""
    n, names = len(people["sex"]), surnames()
    before = np.arange(n) - 1
    home = np.where((people["couple"] == 1) | (people["twin"] == 1), before, np.arange(n))
    birth = dice.below(len(names), n)
    birth = np.where(people["twin"] == 1, birth[before], birth)
    wife, husband = people["sex"] == 0, np.where(people["couple"] == 1, before, np.append(np.arange(1, n), 0))
    in_couple = (people["couple"] == 1) | (np.append(people["couple"][1:], 0) == 1)
    alone = np.where(wife & (people["age"] > 0) & dice.happens(4_500, n), dice.below(len(names), n), birth)
    use = np.where(wife & in_couple & dice.happens(8_500, n), birth[husband], np.where(in_couple, birth, alone))
    both = (use != birth) & dice.happens(1_500, n)
    kind, draw = people["sex"] * 2 + (people["age"] > 1), dice.below(LISTED, n)
    draw = np.where(people["twin"] == 1, (draw[before] + 1 + draw % (LISTED - 1)) % LISTED, draw)
    first = np.stack([words(names) for names in WORDS["first_names"].values()])[kind, draw]
    born_as, used = names[birth], np.where(both, names[birth] + "-" + names[use], names[use])
    number, domain = dice.below(9_973, n).tolist(), words(DOMAINS)[dice.below(len(DOMAINS), n)]
    at = zip(first, used, number, domain, strict=True)
    line = (np.arange(n) * 7_919 + 13) % 60_000
    return {
        "first": first,
        "birth": born_as,
        "use": used,
        "email": words([f"{mailbox(one, name)}{i}@{host}" for one, name, i, host in at]),
        "phone": words([f"{FICTION[i // 10_000]} {i // 100 % 100:02d} {i % 100:02d}" for i in line.tolist()]),
        "home": home,
    }


def towns() -> tuple[Words, Words]:
    """List 96 towns a commune type, and their postcodes."""
    names = [head + tail for head in WORDS["town_heads"] for tail in WORDS["town_tails"]]
    codes = [[f"{d[i % len(d)]}{(i * 37 % 90 + 9) * 10:03d}"[:5] for i in range(len(names))] for d in WORDS["departments"].values()]
    return words(names), np.stack([words(kind) for kind in codes])


def addresses(commune: Ints, dice: Chance) -> dict[str, Words]:
    """Draw an address for each row: number, street, postcode, town."""
    n, (names, codes) = len(commune), towns()
    town = dice.below(len(names), n)
    kinds = np.stack([words(kinds) for kinds in WORDS["street_kinds"].values()])[commune, dice.below(10, n)]
    number = words([str(i) for i in range(1, 190)])[dice.below(dice.below(189, n) + 1, n)]
    number = number + words(["", " bis", " ter"])[np.where(dice.happens(400, n), 1 + dice.below(2, n), 0)]
    return {
        "number": np.where((kinds == "lieu-dit") | (kinds == "hameau"), "", number),
        "kind": kinds,
        "street": words(WORDS["streets"])[dice.below(len(WORDS["streets"]), n)],
        "postcode": codes[commune, town],
        "town": names[town],
    }


def written_address(source: int, where: Mapping[str, Words], style: Ints) -> list[str]:
    """Write addresses as each source does: the till as NF Z10-011 wants it, the web as people type, the card as it comes."""
    rows = zip(where["number"], where["kind"], where["street"], style.tolist(), strict=True)
    if source == 0:
        return [plain(f"{i} {SHORT_KINDS.get(k, k) if s < 30 else k} {name}".strip()).replace("-", " ").replace("'", " ") for i, k, name, s in rows]
    if source == 1:
        return [f"{i}{',' if s < 40 and i else ''} {k} {name}".strip() if s < 80 else f"{i} {k} {name}".strip().lower() for i, k, name, s in rows]
    ends = ("", "", "", " Bât B", " Apt 12", " 3e étage", "", "", "", "")
    return [f"{i.replace(' bis', 'B').replace(' ter', 'T')} {k.capitalize()} {name}{ends[s % 10]}".strip() for i, k, name, s in rows]


def traps(source: int, who: Ints, people: Mapping[str, Ints], known: Mapping[str, Words], dice: Chance) -> dict[str, Flags]:
    """Decide which traps each record holds."""
    n = len(who)
    chosen = {trap: dice.happens(TRAP_ODDS[trap][source], n) for trap in TRAPS}
    chosen["birth_name"] &= known["use"][who] != known["birth"][who]
    chosen["shared_contact"] &= people["couple"][who] == 1
    chosen["wrong_birth_date"] &= ~chosen["no_birth_date"]
    chosen["no_contact"] &= ~chosen["shared_contact"]
    return chosen


def written_name(source: int, who: Ints, known: Mapping[str, Words], trap: Mapping[str, Flags], how: Ints) -> tuple[Words, Words]:
    """Write first and last names with their traps."""
    first, last = known["first"][who], np.where(trap["birth_name"], known["birth"][who], known["use"][who])
    for i in np.flatnonzero(trap["short_first_name"]):
        first[i] = shortened(first[i], int(how[i]) % 3)
    for i in np.flatnonzero(trap["typo"]):
        side = last if how[i] % 3 else first
        side[i] = mistyped(side[i], int(how[i]) // 3)
    if source == 0:
        first, last = words([plain(name) for name in first]), words([plain(name) for name in last])
    if source == 2:
        last = words([plain(name) for name in last])
    return np.where(trap["swapped"], last, first), np.where(trap["swapped"], first, last)


def written_date(source: int, born: Ints, trap: Mapping[str, Flags], how: Ints) -> list[str]:
    """Write birth dates: French in the till, ISO elsewhere; wrong ones fall on 1 January or have day and month exchanged."""
    iso = np.datetime_as_string(born.astype("datetime64[D]")).tolist()
    for i in np.flatnonzero(trap["wrong_birth_date"]):
        year, month, day = iso[i].split("-")
        iso[i] = f"{year}-{day}-{month}" if how[i] % 2 and int(day) <= 12 else f"{year}-01-01"
    french = source == 0
    return ["" if no else (f"{d[8:]}/{d[5:7]}/{d[:4]}" if french else d) for d, no in zip(iso, trap["no_birth_date"].tolist(), strict=True)]


def written_phone(phones: Words, style: Ints) -> list[str]:
    """Write telephone numbers in the four usual ways."""
    ways = (str, lambda p: p.replace(" ", ""), lambda p: p.replace(" ", "."), lambda p: f"+33 {p[1:]}")
    return [ways[s % 4](p) for p, s in zip(phones, style.tolist(), strict=True)]


def records(source: int, who: Ints, people: Mapping[str, Ints], known: Mapping[str, Words], dice: Chance) -> dict[str, list[str]]:
    """Write one source's records of the people `who`, a column each; the last two columns go to the truth only."""
    n, home = len(who), known["home"][who]
    trap, how = traps(source, who, people, known, dice), dice.below(30_000, n)
    first, last = written_name(source, who, known, trap, how)
    elsewhere = addresses(people["commune"][who], dice)
    where = {part: np.where(trap["moved"], column, known[part][home]) for part, column in elsewhere.items()}
    contact = np.where(trap["shared_contact"], home, who)
    silent = trap["no_contact"]
    mail = np.where(silent, "", known["email"][contact])
    mail = np.where((source == 0) & silent & (how % 40 == 0), NO_MAIL, mail)
    phone = np.where(dice.happens((2_500, 6_000, 4_000)[source], n), "", words(written_phone(known["phone"][contact], how)))
    title = words(["Mme", "M."])[people["sex"][who]]
    title = np.where(trap["shared_contact"] & (source == 2), "M. et Mme", np.where(how % 10 == 0, "", title))
    span = np.minimum(people["months"][who] * 30 + 29, 3_900)  # the oldest files were taken over in 2016
    created = END - (1 + dice.below(span, n)) * DAY + dice.below(DAY, n)
    updated = created + dice.below(np.maximum(END - created, 1), n)
    town = where["town"] if source else words([plain(name).replace("-", " ").replace("'", " ") for name in where["town"]])
    bits = sum(flags.astype(np.int64) << i for i, flags in enumerate(trap.values()))
    named = [";".join(name for i, name in enumerate(trap) if mask >> i & 1) for mask in range(1 << len(trap))]
    return {
        "title": title.tolist(),
        "first_name": first.tolist(),
        "last_name": last.tolist(),
        "birth_name": np.where((source == 2) & (how % 3 == 0), known["birth"][who], "").tolist(),
        "birth_date": written_date(source, people["born"][who], trap, how),
        "email": mail.tolist(),
        "phone": phone.tolist(),
        "address": written_address(source, where, how % 100),
        "postcode": where["postcode"].tolist(),
        "city": town.tolist(),
        "created_at": stamps(created),
        "updated_at": stamps(updated),
        "customer_id": [f"C{i + 1:06d}" for i in who.tolist()],
        "traps": words(named)[bits].tolist(),
    }


def stamps(seconds: Ints) -> list[str]:
    """Write moments as ISO 8601 in UTC."""
    return np.datetime_as_string(seconds.astype("datetime64[s]"), timezone="UTC").tolist()


def moments(stamped: Sequence[str]) -> Ints:
    """Read what `stamps` wrote."""
    return np.array([text[:-1] for text in stamped], dtype="datetime64[s]").astype(np.int64)


def membership(people: Mapping[str, Ints], dice: Chance) -> list[Ints]:
    """Draw who is in which source, some twice, in no order: where they buy, elsewhere at times, and the card if they have one."""
    n, channel = len(people["sex"]), people["channel"]
    inside = (channel != 1) | dice.happens(2_500, n), (channel == 1) | dice.happens(1_500, n), people["card"] == 1
    found = []
    for flags, twice in zip(inside, DUPLICATED, strict=True):
        who = np.concatenate([np.flatnonzero(flags), np.flatnonzero(flags & dice.happens(twice, n))])
        found.append(who[np.argsort(dice.below(1 << 40, len(who)), kind="stable")])
    return found


def reachable(channel: str, rows: Mapping[str, Sequence[str]]) -> Flags:
    """Tell whose record could be reached: an e-mail needs an address, an SMS a mobile number, a call a number."""
    mails, phones = rows["email"], rows["phone"]
    if channel == "email":
        return np.array([mail not in {"", NO_MAIL} for mail in mails])
    if channel in {"sms", "phone"}:
        return np.array([phone.startswith(MOBILE if channel == "sms" else ("0", "+")) for phone in phones])
    return np.ones(len(mails), dtype=bool)


def threads(files: Mapping[str, Mapping[str, Sequence[str]]], dice: Chance) -> dict[str, Words | Ints]:
    """Draw what happened, thread by thread: a later act needs the earlier one, and nothing is logged after the end."""
    parts: list[tuple[Words | Ints, ...]] = []
    for source, channel, purpose, *acts in THREADS:
        keys, at = words(files[source]["source_record_id"]), np.maximum(moments(files[source]["created_at"]), LOG_BEGINS)
        alive = reachable(channel, files[source])
        for action, odds, wait in zip(acts[::3], acts[1::3], acts[2::3], strict=True):
            at = at + 1 + dice.below(wait, len(keys))
            logged = at + 1 + dice.below(LAGS[source], len(keys))
            alive = alive & dice.happens(odds, len(keys)) & (logged <= END)
            fixed = [words([text] * int(alive.sum())) for text in (source, channel, purpose, action)]
            parts.append((*fixed, keys[alive], at[alive], logged[alive]))
    names = ("source", "channel", "purpose", "action", "key", "at", "logged")
    return {name: np.concatenate(column) for name, column in zip(names, zip(*parts, strict=True), strict=True)}


def consents(files: Mapping[str, Mapping[str, Sequence[str]]], dice: Chance) -> Table:
    """Write the consent log: append-only, in the order in which events were recorded."""
    log = threads(files, dice)
    order = np.lexsort((log["at"], log["logged"]))
    log = {name: column[order] for name, column in log.items()}
    n, since = len(order), moments([f"{day}T00:00:00Z" for day, _ in NOTICES])
    notice = words([name for _, name in NOTICES])[np.searchsorted(since, log["at"], side="right") - 1]
    codes = dice.below(1 << 32, n).tolist()
    return {
        "event_id": [f"E{i:07d}" for i in range(1, n + 1)],
        "source": log["source"].tolist(),
        "source_record_id": log["key"].tolist(),
        "channel": log["channel"].tolist(),
        "purpose": log["purpose"].tolist(),
        "action": log["action"].tolist(),
        "occurred_at": stamps(log["at"]),
        "recorded_at": stamps(log["logged"]),
        "notice_version": notice.tolist(),
        "proof": [f"{PROOFS[action]}:{code:08x}" for action, code in zip(log["action"], codes, strict=True)],
    }


def tables(people: Mapping[str, Ints], known: Mapping[str, Ints], dice: type[Chance]) -> dict[str, Table]:
    """Make the three sources, the truth behind them and the consent log, by file name."""
    everything = {**people, **known}
    named = {**identities(people, dice(5)), **addresses(people["commune"], dice(6))}
    files: dict[str, dict[str, list[str]]] = {}
    truth: dict[str, list[str]] = {"source": [], "source_record_id": [], "customer_id": [], "traps": []}
    for i, who in enumerate(membership(everything, dice(7))):
        source = SOURCES[i]
        rows = records(i, who, everything, named, dice(8 + i))
        keys = [f"{source[0].upper()}{k:06d}" for k in range(1, len(who) + 1)]
        truth["customer_id"] += rows.pop("customer_id")
        truth["traps"] += rows.pop("traps")
        truth["source"] += [source] * len(who)
        truth["source_record_id"] += keys
        files[source] = {"source": [source] * len(who), "source_record_id": keys, **rows}
    named_files: dict[str, Table] = {f"records_{source}.csv": rows for source, rows in files.items()}
    return {**named_files, "records_truth.csv": truth, "consents.csv": consents(files, dice(11))}
