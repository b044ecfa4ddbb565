"""A schedule says every fault at once, and which days are due, without a clock."""

from datetime import date, timedelta

import pytest
import yaml
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import DeclarationError, EquiscoreError, FaultyInput
from scoring.monitoring.running import check_day, done, to_do
from scoring.monitoring.schedule import Schedule, due, following_day, planned, template
from scoring.plan import Source
from tests.monitoring.conftest import SCHEDULE

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


def made(**changes):
    asked = {"activity": "a.yaml", "signed": "s", "data": Source(path="c.csv"), "studies": "m", "shared": "none", "stop": "stop.json"}
    return Schedule(**(asked | {"first": date(2026, 1, 31), "every_months": 1} | changes))


def written(tmp_path, **changes):
    (tmp_path / "activity.yaml").write_text("", encoding="utf-8")
    (tmp_path / "studies/signed").mkdir(parents=True, exist_ok=True)
    path = tmp_path / "schedule.yaml"
    path.write_text(yaml.safe_dump({name: value for name, value in (SCHEDULE | changes).items() if value is not None}), encoding="utf-8")
    return path


def test_the_template_is_a_schedule(tmp_path):
    path = written(tmp_path)
    path.write_text(template(), encoding="utf-8")
    assert Schedule.read(path).every_months == 6


def test_paths_are_resolved_against_the_file_and_the_day_is_put_into_the_data(tmp_path):
    schedule = Schedule.read(written(tmp_path))
    assert schedule.signed == tmp_path / "studies/signed"
    assert schedule.by_day
    assert schedule.data_of(date(2026, 7, 1)).path == tmp_path / "data-2026-07-01.csv"


def test_every_fault_is_said_at_once_with_its_place_and_a_fix(tmp_path):
    path = written(tmp_path, activity="gone.yaml", shared="perhaps", triggers={"ratio_fall": 3, "auc_fal": 0.1}, every_months=0)
    with pytest.raises(FaultyInput) as caught:
        Schedule.read(path)
    text = str(caught.value)
    assert all(word in text for word in ("activity: 'gone.yaml' is not there", "shared:", "triggers.ratio_fall", "'auc_fall'", "every_months"))
    assert text.count("Fix:") == len(caught.value.faults.exceptions) == 5
    assert "activity new" not in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"days": ["2026-01-01"]}, "months or days"),
        ({"every_months": None, "first": None}, "months or days"),
        ({"first": None}, "first day"),
        ({"every_months": None, "first": None, "days": ["2026-02-01", "2026-01-01"]}, "must rise"),
        ({"digest": "abc"}, "64 digits"),
        ({"data": {"path": "a.csv", "url": "sqlite:///b"}}, "either a path or a url"),
    ],
)
def test_a_schedule_that_contradicts_itself_is_refused(tmp_path, changes, said):
    with pytest.raises(DeclarationError, match=said):
        Schedule.read(written(tmp_path, **changes))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DeclarationError, match="monitor new"):
        Schedule.read(tmp_path / "none.yaml")


@settings(max_examples=60, deadline=None)
@given(DAYS, st.integers(1, 60), DAYS)
def test_months_are_counted_from_the_first_day_as_dateutil_counts_them(first, months, today):
    schedule = made(first=first, every_months=months)
    expected, step = [], 0
    while (day := first + relativedelta(months=step)) <= today:
        expected.append(day)
        step += months
    assert planned(schedule, today) == expected
    assert following_day(schedule, today) == day


@settings(max_examples=60, deadline=None)
@given(st.sets(DAYS, min_size=1, max_size=8), st.sets(DAYS, max_size=8), DAYS)
def test_what_is_due_is_what_was_planned_and_not_done(days, finished, today):
    schedule = made(first=None, every_months=None, days=tuple(sorted(days)))
    assert set(due(schedule, finished, today)) == {day for day in days - finished if day <= today}
    assert due(schedule, [*finished, *due(schedule, finished, today)], today) == []


def test_of_one_file_that_is_overwritten_only_the_last_day_can_be_studied():
    today = date(2026, 4, 1)
    last, missed = to_do(made(), [], today)
    assert (last, missed) == ([date(2026, 3, 31)], [date(2026, 1, 31), date(2026, 2, 28)])
    assert to_do(made(), last, today) == ([], missed)
    assert to_do(made(data=Source(path="c-{day}.csv")), [], today) == ([*missed, *last], [])


def test_only_days_with_a_comparison_are_done(tmp_path):
    (tmp_path / "m").mkdir()
    for name in ("2026-01-31.comparison.json", "x.comparison.json", "2026-02-28"):
        (tmp_path / "m" / name).touch()
    assert done(made(studies=tmp_path / "m")) == [date(2026, 1, 31)]
    assert done(made(studies=tmp_path / "none")) == []


def test_what_is_no_day_is_refused():
    with pytest.raises(EquiscoreError, match="Fix"):
        check_day("tomorrow")
    assert check_day("2026-01-31") + timedelta(days=1) == date(2026, 2, 1)


def test_the_plain_form_holds_no_folder_of_this_machine(tmp_path):
    held = Schedule.read(written(tmp_path)).document()
    assert str(tmp_path) not in str(held)
    assert held["triggers"]["stability_index"] == 0.25
