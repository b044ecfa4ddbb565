"""When a scoring is studied again after launch, against which signed study, and what then asks for a revision: a file of its own.

`Schedule.read` judges the whole file and reports every fault at once, each with file, line, key and fix. Which days are due is
worked out from days that are handed in: nothing here looks at a clock.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from scoring.declaration import Lines, explained, load_yaml
from scoring.errors import DeclarationError, EquiscoreError, raise_all
from scoring.fairness.drift import Shared
from scoring.plan import Declared, Source, Word

DAY: Final = "{day}"
"""Stands in a path for the scheduled day."""


class Thresholds(Declared):
    """From where on a change asks for a revision. A new exclusion always does, so it has no threshold."""

    stability_index: float = Field(0.25, gt=0, description="Population stability index of the score.")
    """Siddiqi 2006, *Credit Risk Scorecards*, ch. 9: from .25 on a major shift; a custom, not a law."""
    ratio_fall: float = Field(
        0.10, gt=0, lt=1, description="Part of a group's ratio that is lost: .10 says that it fell to under .90 of what it was."
    )
    """Our choice: a group at the four-fifths tolerance would be at .72."""
    unknown_rise: float = Field(0.02, ge=0, lt=1, description="Rise of the share of people whose group is unknown.")
    """Our choice: a group of 2 % is the smallest that may be a reference, so as many unknown people can hide one."""
    auc_fall: float = Field(0.03, ge=0, lt=1, description="Fall of the AUC of the score.")
    """Our choice: about as much as a scorecard gains from its last few features."""
    override_change: float = Field(0.05, ge=0, lt=1, description="Change, up or down, of the share of decisions that depart from the score.")
    """Our choice. More overrides say that the score is not trusted, fewer that nobody looks any longer (GDPR art. 22; CJEU C-634/21)."""


class Schedule(Declared):
    """When, of what, and against what a study is made again."""

    format: Literal[1] = 1
    activity: Path = Field(description="The declaration (activity.yaml); relative to this file, as all paths here.")
    signed: Path = Field(description="Folder of the signed study.")
    digest: Word | None = Field(None, description="Digest of the signed study, as its dossier states it; another folder is refused.")
    data: Source = Field(description="The customers since; {day} in its path stands for the scheduled day.")
    studies: Path = Field(description="Folder for the studies to come.")
    first: date | None = Field(None, description="The first day.")
    every_months: int | None = Field(None, ge=1, le=60, description="Months from one study to the next.")
    days: tuple[date, ...] = Field((), description="Instead: the days themselves.")
    shared: Shared = Field(description="none: no customer is in both files; unknown: some may be, and no interval of a change is given.")
    triggers: Thresholds = Thresholds()
    stop: Path = Field(description="File of the stop switch, which is asked before anybody is scored.")

    @field_validator("digest")
    @classmethod
    def _is_whole(cls, digest: str | None) -> str | None:
        if digest is not None and (len(digest) != 64 or set(digest) - set("0123456789abcdef")):
            raise ValueError("a digest has 64 digits of 0-9 and a-f. Fix: copy it whole from the dossier, or from `equiscore verify`.")
        return digest

    @model_validator(mode="after")
    def _one_rhythm(self) -> Schedule:
        if bool(self.days) == (self.every_months is not None):
            raise ValueError("a rhythm is months or days. Fix: declare either `first` and `every_months`, or `days`.")
        if (self.every_months is None) != (self.first is None):
            raise ValueError("months are counted from a first day. Fix: declare `first` with `every_months`; leave it out with `days`.")
        if list(self.days) != sorted(set(self.days)):
            raise ValueError("days must rise. Fix: list them from the earliest, each once.")
        return self

    @classmethod
    def read(cls, path: str | Path) -> Schedule:
        """Read a schedule; relative paths are resolved against the file's folder.

        Raises
        ------
        FaultyInput or DeclarationError
            With every fault of the file: where, which key, what is wrong, how to mend it.
        """
        path = Path(path)
        if not path.is_file():
            raise DeclarationError(f"{path}: no such file. Fix: give the path of a schedule.yaml; `equiscore monitor new` writes one.")
        raw, lines, faults = load_yaml(path)
        try:
            schedule = cls.model_validate(raw)
        except ValidationError as error:
            faults += [DeclarationError(_ours(str(fault))) for fault in explained(error, cls, raw, path, lines)]
        faults += _absent(raw, lines, path)
        raise_all(str(path), faults)
        return schedule.located(path.parent)

    def located(self, folder: Path) -> Schedule:
        """Return a copy whose paths do not depend on the working folder."""
        placed: dict[str, Any] = {name: folder / getattr(self, name) for name in ("activity", "signed", "studies", "stop")}
        if self.data.path is not None:
            placed["data"] = self.data.model_copy(update={"path": folder / self.data.path})
        return self.model_copy(update=placed)

    def data_of(self, day: date) -> Source:
        """Return where the customers of a scheduled day are."""
        if self.data.path is None:
            return self.data
        return self.data.model_copy(update={"path": Path(str(self.data.path).replace(DAY, day.isoformat()))})

    @property
    def by_day(self) -> bool:
        """Whether each scheduled day has a file of its own."""
        return self.data.path is not None and DAY in str(self.data.path)

    def document(self) -> dict[str, Any]:
        """Return the schedule as plain data, places by their names only: a path is a fact of a machine."""
        names = {name: Path(getattr(self, name).name) for name in ("activity", "signed", "studies", "stop")}
        return self.model_copy(update={**names, "data": self.data.portable()}).model_dump(mode="json")


def _ours(text: str) -> str:
    """Point to the example of a schedule where a message points to that of a declaration."""
    return text.replace("`equiscore activity new`", "`equiscore monitor new`")


def _absent(raw: dict[str, Any], lines: Lines, path: Path) -> list[EquiscoreError]:
    """Name what the file points to and is not there."""
    asked = {"activity": ("a file, the declaration", Path.is_file), "signed": ("a folder, the signed study", Path.is_dir)}
    return [
        DeclarationError(f"{path}{lines.at((name,))}: {name}: {raw[name]!r} is not there. Fix: give the path of {what}, relative to this file.")
        for name, (what, there) in asked.items()
        if isinstance(raw.get(name), str) and raw[name] and not there(path.parent / raw[name])
    ]


def planned(schedule: Schedule, until: date) -> list[date]:
    """Return the scheduled days up to and with a day; a month without that day of the month has its last one.

    >>> from scoring.plan import Source
    >>> asked = Schedule(activity="a.yaml", signed="s", data=Source(path="c.csv"), studies="m", shared="none", stop="stop.json",
    ...                  first=date(2026, 1, 31), every_months=1)
    >>> [day.isoformat() for day in planned(asked, date(2026, 4, 1))]
    ['2026-01-31', '2026-02-28', '2026-03-31']
    """
    if schedule.first is None or schedule.every_months is None:
        return [day for day in schedule.days if day <= until]
    months = 12 * (until.year - schedule.first.year) + until.month - schedule.first.month
    days = [_after(schedule.first, step) for step in range(0, months + 1, schedule.every_months)]
    return [day for day in days if day <= until]


def due(schedule: Schedule, done: Iterable[date], today: date) -> list[date]:
    """Return the scheduled days, up to and with today, of which no study was made.

    Parameters
    ----------
    schedule
        The rhythm.
    done
        Days of which a study was made.
    today
        The day that is asked about.
    """
    made = set(done)
    return [day for day in planned(schedule, today) if day not in made]


def following_day(schedule: Schedule, today: date) -> date | None:
    """Return the first scheduled day after today; none where the listed days are over."""
    if schedule.first is None or schedule.every_months is None:
        return next((day for day in schedule.days if day > today), None)
    if today < schedule.first:
        return schedule.first
    return _after(schedule.first, schedule.every_months * len(planned(schedule, today)))


def _after(first: date, months: int) -> date:
    """Return the day so many months later."""
    year, month = divmod(12 * first.year + first.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(first.day, monthrange(year, month + 1)[1]))


def template() -> str:
    """Return a complete schedule with a comment beside each key."""
    return files("scoring").joinpath("templates/schedule.yaml").read_text(encoding="utf-8")
