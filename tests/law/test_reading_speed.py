"""Rules are read fast, in C where that is there, and come out the same as without it."""

import time
from pathlib import Path

import pytest

from scoring.declaration import _FastLoader, _Loader, _nesting, _parsed, _read, load_yaml
from scoring.errors import DeclarationError
from scoring.law.rules import packaged_files, read_rules

ROOT = Path(__file__).parents[2]
DECLARATIONS = [*packaged_files(), *ROOT.glob("data/samples/*/activity.yaml"), ROOT / "scoring/templates/activity.yaml"]


@pytest.mark.parametrize("path", DECLARATIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_both_loaders_read_the_same_content_and_lines(path):
    text = path.read_text(encoding="utf-8")
    assert _parsed(text) == _read(text, _Loader) == _read(text, _FastLoader)


@pytest.mark.parametrize("text", ["a: [" * 5_000, "- " * 5_000 + "a", "{a: " * 100_000, "? " * 5_000 + "a", "[" * 50_000 + "]" * 50_000])
def test_deep_nesting_is_refused_and_never_handed_to_the_loader_in_c(tmp_path, text):
    assert _nesting(text) > 1_000
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(DeclarationError, match="Fix:"):
        load_yaml(path)


def test_all_rules_are_read_within_half_a_second_of_work():
    read_rules()
    begun = time.process_time()
    assert len(read_rules()) == 107
    assert time.process_time() - begun < 0.5
