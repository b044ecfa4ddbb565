"""Where the scoring benchmarks write: each its own part of one page."""

from __future__ import annotations

from pathlib import Path

ORDER = ("peers", "kozodoi")
TITLE = """# Scoring, measured

Written by `python benchmarks/scorecards.py --peers FOLDER --write docs/scoring.md` and `python benchmarks/kozodoi.py --write docs/scoring.md`.
Every draw is seeded."""


def written(name: str, text: str, page: Path) -> None:
    """Put a part into the page, in the place of what it held before; the other part stays.

    >>> import tempfile
    >>> page = Path(tempfile.mkdtemp()) / "page.md"
    >>> written("kozodoi", "B", page); written("peers", "A", page); written("kozodoi", "C", page)
    >>> [line for line in page.read_text().splitlines() if len(line) == 1]
    ['A', 'C']
    """
    parts = dict.fromkeys(ORDER, "")
    if page.is_file():
        old = page.read_text(encoding="utf-8")
        parts |= {part: old.partition(f"<!-- part: {part} -->\n")[2].partition("\n<!-- end -->")[0] for part in ORDER}
    parts[name] = text
    held = [f"<!-- part: {part} -->\n{text}\n<!-- end -->" for part, text in parts.items() if text]
    page.write_text("\n\n".join([TITLE, *held]) + "\n", encoding="utf-8")
