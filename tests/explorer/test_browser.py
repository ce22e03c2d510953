"""What people do with the explorer, in a real browser: search, filter, judge by keyboard, undo."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.explorer.browser import CHROMIUM, Browser, browsing
from tests.explorer.serving import Served

# a browser takes its time where everything runs at once
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
]
_PICTURES = os.environ.get("ORCHESTRATION_TEST_PICTURES")
_FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as opened:
        yield opened


def _picture(browser: Browser, name: str) -> None:
    if _PICTURES:
        browser.picture(Path(_PICTURES) / f"{name}.png")


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (400, True)])
def test_search_filter_judge_and_undo(
    browser: Browser, desk: Served, width: int, dark: bool
) -> None:
    browser.resize(width, 900, dark=dark)
    browser.call("Network.enable")
    browser.call("Network.clearBrowserCookies")
    browser.open(desk.address)
    _picture(browser, f"home-{width}")
    assert browser.run(_FITS)

    browser.press("/")
    browser.write("Guide.md")
    browser.press("Enter", leaves=True)
    rows = "[...document.querySelectorAll('[data-row] th a')].map(a => a.innerText)"
    found = browser.run(rows)
    assert found
    assert set(found) == {"docs/guide.md"}
    browser.run("window.left = true")
    browser.run(
        "(() => { const one = document.querySelector('[name=task]'); one.value = 'content_type';"
        "one.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    browser.loaded()
    assert browser.run("new URLSearchParams(location.search).get('task')") == "content_type"
    assert browser.run("new URLSearchParams(location.search).get('status')") is None
    assert browser.run(rows) == ["docs/guide.md"] != found
    _picture(browser, f"items-{width}")
    assert browser.run(_FITS)
    browser.press("j")
    browser.press("Enter", leaves=True)
    assert browser.run("location.pathname").startswith("/item/")
    _picture(browser, f"item-{width}")
    assert browser.run(_FITS)

    browser.open(f"{desk.address}/review")
    browser.run("document.querySelector('[name=who]').focus()")
    browser.write("Ada")
    browser.press("Enter", leaves=True)
    first = browser.run("location.pathname")
    _picture(browser, f"review-{width}")
    assert browser.run(_FITS)
    browser.press("n")
    browser.write("1 and 2 are digits here")
    browser.press("Escape")
    assert not list(desk.site.log.waiting())
    browser.press("1", leaves=True)
    second = browser.run("location.pathname")
    assert second != first
    (verdict,) = desk.site.log.waiting()
    assert (verdict.who, verdict.note) == ("Ada", "1 and 2 are digits here")
    browser.press("u", leaves=True)
    assert browser.run("location.pathname") == first
    assert "Taken back." in browser.text()
    assert not list(desk.site.log.waiting())
    browser.press("e")
    browser.write("an answer of my own")
    browser.press("Enter", leaves=True)
    said = [one.verdict for one in desk.site.log.waiting()]
    assert said == ["an answer of my own"] or "must be" in browser.text()
    browser.press("?")
    assert "skip: it comes last" in browser.text()
    _picture(browser, f"keys-{width}")
    browser.press("s", leaves=True)
    assert browser.run("location.pathname") not in (first, second)
    assert browser.dialogs == []
    assert browser.violations == []


def test_pages_say_what_they_say_without_scripts(browser: Browser, desk: Served) -> None:
    browser.resize(1400, 900)
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.call("Page.navigate", url=f"{desk.address}/items?task=content_type")
        browser.wait_for("document.readyState === 'complete' && location.search !== ''")
        assert "content type" in browser.text()
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
