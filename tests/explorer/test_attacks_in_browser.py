"""No attack runs in a real browser, on any page that shows one."""

import pytest

from tests.explorer.attacks import MARK
from tests.explorer.browser import CHROMIUM, browsing
from tests.explorer.serving import Served
from tests.explorer.test_attacks import attacked, pages_of

__all__ = ["attacked"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
]


def test_no_attack_runs(attacked: Served) -> None:
    with browsing() as browser:
        browser.open(f"{attacked.address}/review/name")
        browser.run("document.querySelector('[name=who]').value = '<script>alert(1)</script>'")
        browser.click("main button", leaves=True)
        for page in pages_of(attacked):
            browser.open(attacked.address + page)
            assert browser.dialogs == [], page
            assert browser.run("document.scripts.length") == 1, page
            loaded = browser.run("performance.getEntriesByType('resource').map(one => one.name)")
            assert not [one for one in loaded if not one.startswith(attacked.address)], page
            assert MARK not in browser.run("location.href"), page
            # a blocked script or style would be one that stands there
            assert browser.violations == [], page
