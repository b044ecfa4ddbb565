"""The stop switch: one small file that is asked before anybody is scored.

Who stopped the score, when and why; who put it back in use, when and why. Entries are only ever added: each holds the SHA-256 of the
one before, so that one changed or taken out shows; that the last was cut off, only a copy elsewhere (the register) can show. A switch
that is not there, or not as it was written, does not say that the score may be used: then it may not.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from scoring.errors import EquiscoreError
from scoring.provenance import canonical, write_file

FORMAT: Final = 1
LONGEST: Final = 4_000
"""Characters of a name or a reason."""
_SHOWN: Final = 400
_START: Final = "0" * 64
What = Literal["stopped", "resumed"]


class StoppedError(EquiscoreError):
    """The score must not be used: it was stopped, or nothing says that it may be."""


@dataclass(frozen=True, slots=True)
class SwitchEvent:
    """An entry of the switch."""

    what: What
    by: str
    at: str
    """When, as ISO 8601."""
    why: str
    previous: str = _START
    """SHA-256 of the entries before it."""


def stop(path: str | Path, *, by: str, why: str, at: str) -> SwitchEvent:
    """Stop the score. One that is stopped already can be stopped for another reason.

    Parameters
    ----------
    path
        The switch; it is made where there is none.
    by, why
        Who, and for what reason; neither may be empty.
    at
        When, as ISO 8601: there is no clock here.

    Raises
    ------
    EquiscoreError
        No name or no reason, a switch that is not as it was written, or a place that cannot be written.
    """
    return _append(Path(path), "stopped", by, why, at)


def resume(path: str | Path, *, by: str, why: str, at: str) -> SwitchEvent:
    """Put the score back in use, or in use for the first time where there is no switch yet; parameters and errors as for `stop`.

    Raises
    ------
    EquiscoreError
        Also: the score is not stopped.
    """
    return _append(Path(path), "resumed", by, why, at)


def history(path: str | Path) -> tuple[SwitchEvent, ...]:
    """Return every entry, the first one first.

    Raises
    ------
    StoppedError
        No switch, or one that is not as it was written.
    """
    path = Path(path)
    try:
        held = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise StoppedError(
            f"{path}: no stop switch, so nothing says that the score may be used. "
            f"Fix: put it in use with `equiscore monitor resume {path} --by NAME --why REASON`, or give the right file."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise StoppedError(f"{path}: the stop switch cannot be read ({type(error).__name__}). Nobody is scored till then. Fix: {_MEND}") from error
    return _checked(held, path)


def refuse_if_stopped(path: str | Path) -> None:
    """Do nothing where the score is in use; otherwise refuse, naming who stopped it, when, why, and how it is resumed.

    Parameters
    ----------
    path
        The switch.

    Raises
    ------
    StoppedError
        It is stopped; or there is no switch, or one that is not as it was written.
    """
    last = history(path)[-1]
    if last.what == "stopped":
        raise StoppedError(
            f"{path}: the score is stopped: by {_shown(last.by)}, {_shown(last.at)}, because: {_shown(last.why)}. "
            f"Fix: do not score; once the cause is gone, whoever answers for it runs `equiscore monitor resume {path} --by NAME --why REASON`."
        )


_MEND: Final = "bring back the file as it was, from a copy; never mend it by hand."


def _append(path: Path, what: What, by: str, why: str, at: str) -> SwitchEvent:
    """Write the switch again with one more entry, while nobody else does."""
    by, why, at = (_words(name, text) for name, text in (("by", by), ("why", why), ("at", at)))
    with _alone(path):
        before = history(path) if path.exists() else ()
        if what == "resumed" and before and before[-1].what == "resumed":
            last = before[-1]
            raise EquiscoreError(f"{path}: the score is not stopped ({_shown(last.by)}, {_shown(last.at)}). Fix: nothing is to be resumed.")
        event = SwitchEvent(what, by, at, why, _digest(before))
        write_file(path, canonical({"format": FORMAT, "history": [asdict(one) for one in (*before, event)]}, sort=False))
    return event


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock beside the file, which the system lets go of when its holder ends."""
    place = path.absolute()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(place.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except (OSError, ValueError) as error:
        raise EquiscoreError(f"{path}: cannot be written ({type(error).__name__}). Fix: choose a place that you may write to.") from error
    try:
        try:
            import fcntl
        except ImportError:  # Windows: two at once are then kept apart by nothing but the chain of digests
            pass
        else:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _words(name: str, text: str) -> str:
    """Return what was said, if it says anything."""
    said = " ".join(text.split())
    if not said or not any(letter.isprintable() and not letter.isspace() for letter in said):
        raise EquiscoreError(f"{name}: empty. Fix: say {'who' if name == 'by' else 'why' if name == 'why' else 'when'}; it stays with the switch.")
    if len(said) > LONGEST:
        raise EquiscoreError(f"{name}: {len(said):,} characters. Fix: at most {LONGEST:,}; keep the rest where it can be read.")
    try:
        said.encode()
    except UnicodeEncodeError:
        raise EquiscoreError(f"{name}: not text that can be written. Fix: type it again.") from None
    return said


def _shown(text: str) -> str:
    """Return words as a terminal may show them: no control, no direction mark, not too long.

    >>> _shown("a" + chr(27) + "[31mb" + chr(0x202e))
    'a?[31mb?'
    """
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]} ..."


def _digest(events: tuple[SwitchEvent, ...]) -> str:
    """Return the SHA-256 that the next entry holds: of the last entry, which holds that of those before."""
    return hashlib.sha256(canonical(asdict(events[-1]))).hexdigest() if events else _START


def _checked(held: Any, path: Path) -> tuple[SwitchEvent, ...]:
    """Return the entries, if they have their form and each follows from those before."""
    listed = held.get("history") if isinstance(held, dict) and held.get("format") == FORMAT else None
    names = set(SwitchEvent.__dataclass_fields__)
    whole = isinstance(listed, list) and all(
        isinstance(one, dict) and set(one) == names and all(isinstance(value, str) for value in one.values()) for one in listed
    )
    events = tuple(SwitchEvent(**one) for one in listed) if whole and listed else ()
    known = all(event.what in {"stopped", "resumed"} and event.previous == _digest(events[:i]) for i, event in enumerate(events))
    if not events or not known:
        raise StoppedError(f"{path}: the stop switch is not as it was written. Nobody is scored till then. Fix: {_MEND}")
    return events
