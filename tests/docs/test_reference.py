"""The generated pages are what schemas and models say now, and nothing in them is blank."""

import re

import pytest

from orchestration_assets.reference.__main__ import PAGES
from orchestration_assets.schemas.tables import TABLES
from tests.docs.pages import ROOT


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    stored = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    assert stored == PAGES[name](), (
        f"docs/{name}.md is out of date; write it anew with: "
        f"python -m orchestration_assets.reference {name} > docs/{name}.md"
    )


@pytest.mark.parametrize("name", PAGES)
def test_every_row_ends_with_a_meaning(name: str) -> None:
    blank = re.findall(r"^\|.*\|\s*\|$", PAGES[name](), re.MULTILINE)
    assert not blank


def test_every_table_has_its_section() -> None:
    headings = set(re.findall(r"^## (\w+)$", PAGES["tables"](), re.MULTILINE))
    assert TABLES.keys() <= headings
