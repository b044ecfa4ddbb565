"""Many writers at once, writers that are killed, many activities: a short run of `benchmarks/register.py`, which measures the whole."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def measured(part, url, **options):
    given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "benchmarks/register.py"), part, "--url", url, *given],
        capture_output=True, text=True, cwd=ROOT, timeout=1200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_no_event_is_lost_where_some_write_at_once(url):
    found = measured("write", url, processes=4, events=200)
    assert (found["failed"], found["in_trail"], found["problems"]) == (0, 200, [])


@pytest.mark.slow
@pytest.mark.full
def test_no_event_of_five_thousand_is_lost_where_twenty_write_at_once(url):
    found = measured("write", url, processes=20, events=5_000)
    assert (found["failed"], found["in_trail"], found["problems"]) == (0, 5_000, [])


def test_a_killed_writer_leaves_no_half_event(url):
    found = measured("kill", url, times=8)
    assert found["in_trail"] >= 3 * 8
    assert (found["failed"], found["lost"], found["half"], found["problems"]) == (0, 0, 0, [])


@pytest.mark.slow
@pytest.mark.full
def test_forty_killed_writers_leave_no_half_event(url):
    found = measured("kill", url, times=40)
    assert found["in_trail"] >= 3 * 40
    assert (found["failed"], found["lost"], found["half"], found["problems"]) == (0, 0, 0, [])


@pytest.mark.slow
def test_ten_thousand_activities_are_listed_and_searched(url):
    found = measured("list", url, activities=10_000)
    assert found["activities"] == 10_000
