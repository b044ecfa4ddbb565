"""The dashboard in a real browser: opened, its cut-off moved with the keyboard, its figures held against the study."""

import contextlib
import importlib.util
import itertools
import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from scoring.launch import dashboard_command
from scoring.study import Study
from scoring.texts import number, say

CHROMIUM = Path("/usr/bin/chromium")
FULL = os.environ.get("EQUISCORE_FULL") == "1"
MISSING = [
    *([] if CHROMIUM.is_file() else [f"{CHROMIUM} (apt-get install chromium)"]),
    *(name for name in ("playwright", "streamlit", "altair") if importlib.util.find_spec(name) is None),
]
pytestmark = [
    pytest.mark.full,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(bool(MISSING) and not FULL, reason=f"needs {', '.join(MISSING)}"),
]
RATE = "selection_rate"
NUMBERS = ("hits", "trials", "value", "reference_value", "ratio")
LANGUAGES = pytest.mark.parametrize(("language", "locale"), [("en", "en-GB"), ("fr", "fr-FR")])


@pytest.fixture(scope="module")
def address(credit, tmp_path_factory):
    """Serve the studies on a free port, from an unrelated folder."""
    assert not MISSING, f"EQUISCORE_FULL=1, but this is missing: {', '.join(MISSING)}"
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "server.log"
    with (
        log.open("w") as sink,
        subprocess.Popen(dashboard_command(credit, port, headless=True), cwd=log.parent, stdout=sink, stderr=subprocess.STDOUT) as server,
    ):
        try:
            _await(f"http://localhost:{port}/_stcore/health", server, log)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()


def _await(url, server, log):
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        assert server.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError(f"no answer from {url}: {log.read_text()}")


@pytest.fixture(scope="module")
def browser(address):
    """Start a real Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def page(browser, locale):
    """Open a window of a reader who speaks the language; asking anything outside this machine fails the test."""
    context = browser.new_context(locale=locale, viewport={"width": 1280, "height": 1600})
    window = context.new_page()
    window.set_default_timeout(60_000)
    abroad = []
    window.on("request", lambda request: None if re.match(r"(https?|wss?)://localhost|data:|blob:", request.url) else abroad.append(request.url))
    yield window
    context.close()
    assert not abroad


def figures(window, header):
    """Return a table by column, from the grid that stands for its canvas; the table is the one with this header."""
    grid = window.locator("table[role=grid]").filter(has_text=header)
    names = [cell.text_content() for cell in grid.locator("th").all()]
    rows = [[cell.text_content() for cell in row.locator("td").all()] for row in grid.locator("tbody tr").all()]
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def settled(window, read, wanted):
    """Return what is read once it is what was wanted, or after half a minute: the grid is drawn cell by cell, after the words."""
    for _ in range(60):
        if (found := read()) == wanted:
            break
        window.wait_for_timeout(500)
    return found


@LANGUAGES
def test_moving_the_cutoff_with_the_keyboard_shows_the_study_at_that_cutoff(address, credit, page, language, locale):
    tables = Study.load(credit / "credit").published()
    page.goto(address)
    page.get_by_role("heading", name=say("dashboard.page_overview", language)).wait_for()
    page.locator(f"html[lang={language}]").wait_for(state="attached")
    page.get_by_role("link", name=say("dashboard.page_whatif", language)).click()
    slider = page.get_by_role("slider")
    slider.wait_for()
    slider.focus()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    cutoff = tables.cutoffs[tables.cutoffs.index(tables.cutoff) + 7]
    moved = tables.at_cutoff(cutoff).judged(depth=1)
    rows = moved[(moved["metric"] == RATE) & (moved["attribute"] == "age")]
    accepted = number(rows["hits"].sum() / rows["trials"].sum(), "percent", language)
    page.get_by_text(accepted, exact=True).first.wait_for()
    words = say("dashboard.group_rate", language, group=rows["group"].iloc[0], value=rows["value"].iloc[0])
    description = page.locator("[data-testid=stVegaLiteChart]").and_(page.get_by_label(words))
    description.wait_for()

    def column(name):
        return say(f"dashboard.column_{name}", language)

    wanted = {"named": rows["group"].tolist(), **{name: pytest.approx(rows[name].tolist()) for name in NUMBERS}}
    page.locator("table[role=grid]").filter(has_text=column("at_most")).wait_for(state="attached")

    def read():
        found = figures(page, column("at_most"))
        return {"named": list(found[column("named")]), **{name: [float(cell) for cell in found[column(name)]] for name in NUMBERS}}

    assert settled(page, read, wanted) == wanted
    assert all(number(row.value, "percent", language) in description.get_attribute("aria-label") for row in rows.itertuples())


@LANGUAGES
def test_headings_are_in_order_and_charts_have_words(address, page, language, locale):
    for view in ("", "groups", "whatif", "dossier"):
        page.goto(f"{address}/{view}")
        page.get_by_role("heading", name=say(f"dashboard.page_{view or 'overview'}", language), level=1).wait_for()
        if view == "dossier":
            page.get_by_role("heading", name=say("dashboard_dossier.files", language), level=2).wait_for()
        page.locator("[data-testid=stStatusWidget]").wait_for(state="detached")
        page.wait_for_timeout(1500)
        levels = [int(heading.evaluate("found => found.tagName[1]")) for heading in page.locator("[data-testid=stMain]").get_by_role("heading").all()]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        charts = page.locator("[data-testid=stVegaLiteChart]").all()
        assert all(chart.locator("[aria-label]").count() or chart.get_attribute("aria-label") for chart in charts)
        assert page.locator("[data-testid=stException]").count() == 0


@LANGUAGES
def test_a_file_of_the_dossier_is_made_and_handed_out_on_a_phone_without_overflow(address, page, language, locale):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/dossier")
    name = f"credit.{language}.pia.json"
    page.get_by_role("button", name=say("dashboard_dossier.make", language, name=name)).click()
    ready = page.get_by_role("button", name=say("dashboard_dossier.download", language, name=name))
    ready.wait_for()
    with page.expect_download() as handed:
        ready.click()
    assert handed.value.suggested_filename == name
    assert json.loads(Path(handed.value.path()).read_text(encoding="utf-8"))["pia"]["status"] == 0
    wider = "found => found.scrollWidth > found.clientWidth"
    assert not [one for one in page.locator("[data-testid=stMain], [data-testid=stTable]").all() if one.evaluate(wider)]
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.parametrize("locale", ["fr-FR"])
def test_a_reader_may_change_the_language(address, page, locale):
    page.goto(address)
    page.get_by_role("heading", name=say("dashboard.page_overview", "fr"), level=1).wait_for()
    page.get_by_text("English", exact=True).click()
    page.get_by_role("heading", name="Overview", level=1).wait_for()
    assert "lang=en" in page.url
