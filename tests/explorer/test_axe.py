"""No page of the explorer keeps people from reading or working it, by what axe-core looks for."""

import pytest

from tests.explorer.axe import INSTALLED, grave_findings
from tests.explorer.browser import CHROMIUM, browsing
from tests.explorer.serving import Served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(not INSTALLED, reason="needs axe-core-python"),
]


def _kinds_of_pages(served: Served) -> list[str]:
    """One address of each kind of page."""
    state = served.site.desk.state(served.site.index)
    (held,) = served.site.index.batches
    asked = state.asked.open
    pages = ["/", f"/batch/{held.batch}", "/items", "/items?q=nothing+like+that", "/items?risk=x"]
    pages += [f"/item/{int(held.ids[0]):016x}", "/item/0000000000000000", "/services"]
    pages += ["/services/health", "/spending", "/policies", "/review", "/review/lessons"]
    rows = served.site.desk.rows(asked)
    kinds = {rows[one.key].kind: one for one in asked}
    return [*pages, *(f"/review/{one.name}" for one in kinds.values())]


def test_pages_have_no_grave_finding(desk: Served) -> None:
    with browsing() as browser:
        browser.open(f"{desk.address}/review")
        problems = {"/review/name": grave_findings(browser)}
        browser.run("document.querySelector('[name=who]').value = 'Ada'")
        browser.click("main button", leaves=True)
        for page in _kinds_of_pages(desk):
            browser.open(desk.address + page)
            for width, dark in ((1400, False), (1400, True), (400, False), (400, True)):
                browser.resize(width, 900, dark=dark)
                problems[f"{page} {width} {dark}"] = grave_findings(browser)
        assert {page: found for page, found in problems.items() if found} == {}
        # and the look does find something
        browser.run("document.querySelector('main').innerHTML = '<input><img src=/favicon.ico>'")
        assert {one.rule for one in grave_findings(browser)} >= {"image-alt", "label"}
