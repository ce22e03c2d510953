"""axe-core on a page in a browser: what keeps people from reading or working it."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, Final

from tests.explorer.browser import Browser

INSTALLED: Final = find_spec("axe_core_python") is not None
_GRAVE: Final = ("serious", "critical")
_RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a page breaks, how gravely, and the first of the elements that do."""

    rule: str
    impact: str
    help: str
    where: tuple[str, ...]


def grave_findings(browser: Browser) -> list[Finding]:
    """The serious and critical findings about the page that the browser shows."""
    return [one for one in findings(browser) if one.impact in _GRAVE]


def findings(browser: Browser) -> list[Finding]:
    """Every finding about the page that the browser shows, frames left out."""
    if browser.run("typeof window.axe") != "object":
        browser.run(f"{_source()}; 0")
    found: dict[str, Any] = browser.run(
        "axe.run(document, {iframes: false, resultTypes: ['violations'], "
        f"runOnly: {{type: 'tag', values: {list(_RULES)}}}}})"
        ".then(found => ({violations: found.violations.map(one => ({id: one.id, "
        "impact: one.impact, help: one.help, "
        "nodes: one.nodes.slice(0, 5).map(n => n.html.slice(0, 200))}))}))"
    )
    return [
        Finding(one["id"], one["impact"] or "", one["help"], tuple(one["nodes"]))
        for one in found["violations"]
    ]


@cache
def _source() -> str:
    return files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
