"""The stop switch: names who, when, why and how it is resumed; damaged or absent it lets nobody be scored."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from scoring.errors import EquiscoreError
from scoring.monitoring.switch import StoppedError, history, refuse_if_stopped, resume, stop

HOSTILE = ["<script>alert(1)</script>", "=1+1", "\x1b[31mred", "\u202eright to left", "a\u200bb", "$(rm -rf /)", "{{7*7}}", "😀 العربية", "a\nb"]


def test_a_stop_names_who_when_why_and_how_it_is_resumed(tmp_path):
    path = tmp_path / "stop.json"
    resume(path, by="Ann", why="put into service", at="2026-01-01")
    refuse_if_stopped(path)
    stop(path, by="Bea Martin", why="scores of the under 25 are wrong", at="2026-02-03T10:00:00+00:00")
    with pytest.raises(StoppedError) as caught:
        refuse_if_stopped(path)
    assert all(word in str(caught.value) for word in ("Bea Martin", "2026-02-03", "under 25", "monitor resume", "Fix:"))
    resume(path, by="Cleo", why="mended", at="2026-02-04")
    refuse_if_stopped(path)
    assert [(one.what, one.by) for one in history(path)] == [("resumed", "Ann"), ("stopped", "Bea Martin"), ("resumed", "Cleo")]


def test_where_there_is_no_switch_nobody_is_scored(tmp_path):
    with pytest.raises(StoppedError, match="no stop switch"):
        refuse_if_stopped(tmp_path / "none.json")


def test_what_runs_is_not_resumed_and_what_is_stopped_can_be_stopped_again(tmp_path):
    path = tmp_path / "deep" / "stop.json"
    stop(path, by="A", why="one", at="1")
    stop(path, by="B", why="two", at="2")
    resume(path, by="C", why="three", at="3")
    with pytest.raises(EquiscoreError, match="not stopped"):
        resume(path, by="D", why="four", at="4")
    assert len(history(path)) == 3


@pytest.mark.parametrize("word", ["", "  \n", "\u200b\u202e", "x" * 5000, "\ud800"])
def test_no_name_and_no_reason_is_refused(tmp_path, word):
    for changed in ("by", "why"):
        with pytest.raises(EquiscoreError, match="Fix"):
            stop(tmp_path / "stop.json", **({"by": "A", "why": "b", "at": "1"} | {changed: word}))
    assert not (tmp_path / "stop.json").exists()


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_words_are_kept_and_never_steer_a_terminal(tmp_path, word):
    path = tmp_path / "stop.json"
    stop(path, by=word, why=word, at="1")
    with pytest.raises(StoppedError) as caught:
        refuse_if_stopped(path)
    assert all(letter.isprintable() for letter in str(caught.value))
    assert history(path)[0].by == " ".join(word.split())


@pytest.mark.parametrize(
    "damage",
    [
        lambda held: held["history"].pop(0),
        lambda held: held["history"][0].update(by="Somebody else"),
        lambda held: held["history"][1].update(what="paused"),
        lambda held: held["history"].reverse(),
        lambda held: held.update(format=2),
        lambda held: held.update(history=[]),
        lambda held: held["history"][0].pop("why"),
        lambda held: held["history"].append("x"),
    ],
)
def test_a_switch_that_was_mended_by_hand_lets_nobody_be_scored(tmp_path, damage):
    path = tmp_path / "stop.json"
    stop(path, by="A", why="b", at="1")
    resume(path, by="C", why="d", at="2")
    held = json.loads(path.read_bytes())
    damage(held)
    path.write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(StoppedError, match="as it was"):
        refuse_if_stopped(path)
    with pytest.raises(StoppedError):
        resume(path, by="E", why="f", at="3")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"[" * 100_000])
def test_a_switch_that_cannot_be_read_lets_nobody_be_scored(tmp_path, content):
    path = tmp_path / "stop.json"
    path.write_bytes(content)
    with pytest.raises(StoppedError):
        refuse_if_stopped(path)


def test_many_who_stop_at_once_are_all_kept(tmp_path):
    path = tmp_path / "stop.json"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: stop(path, by=f"P{i}", why="now", at=str(i)), range(40)))
    assert sorted(one.by for one in history(path)) == sorted(f"P{i}" for i in range(40))


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EquiscoreError, match="cannot be written"):
        stop(tmp_path / "file" / "stop.json", by="A", why="b", at="1")
