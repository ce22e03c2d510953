"""What the pages point to is there: files, headings, modules, classes."""

import re
from functools import cache

import pytest

from tests.docs.pages import PAGES, ROOT, anchors, code_spans, links

_PACKAGES = ("orchestration_assets", "resources", "jobs", "sensors", "benchmarks")
_PATH = re.compile(rf"(?:{'|'.join(_PACKAGES)}|tests|docs)(?:/[\w.-]+)*/?")
_DOTTED = re.compile(rf"(?:{'|'.join(_PACKAGES)})(?:\.\w+)+")
_CLASS = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)+")
_DEFINED = re.compile(r"^\s*class (\w+)", re.MULTILINE)
_OF_GUIDES = re.compile(r"^\+\+\+ (\S+)|^# (\S+\.py)$", re.MULTILINE)


def _page_names() -> list[str]:
    return [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("name", _page_names())
def test_relative_links_and_anchors_resolve(name: str) -> None:
    page = ROOT / name
    broken = []
    for link in links(page):
        if re.match(r"https?://", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("name", _page_names())
def test_paths_and_modules_that_are_named_exist(name: str) -> None:
    page = ROOT / name
    # what a guide makes is there once it has been followed
    made = {path for match in _OF_GUIDES.findall(page.read_text("utf-8")) for path in match}
    missing = []
    for span in code_spans(page):
        if _PATH.fullmatch(span) and span not in made and not (ROOT / span).exists():
            missing.append(span)
        if _DOTTED.fullmatch(span) and not _is_module_or_member(span):
            missing.append(span)
    assert not missing


@pytest.mark.parametrize("name", _page_names())
def test_classes_that_are_named_exist(name: str) -> None:
    page = ROOT / name
    defined = _classes()
    text = page.read_text("utf-8")
    missing = [
        span
        for span in code_spans(page)
        if _CLASS.fullmatch(span) and span not in defined and f"class {span}" not in text
    ]
    assert not missing


def _is_module_or_member(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split("."))
    if path.is_dir() or path.with_suffix(".py").exists():
        return True
    module = path.parent.with_suffix(".py")
    module = module if module.exists() else path.parent / "__init__.py"
    return module.exists() and path.name in module.read_text("utf-8")


@cache
def _classes() -> set[str]:
    files = [file for package in _PACKAGES for file in (ROOT / package).rglob("*.py")]
    return {name for file in files for name in _DEFINED.findall(file.read_text("utf-8"))}
