"""The glossary: one word one thing, in order, and no value of tables or policy is left out."""

import re
from enum import StrEnum

import pytest

from orchestration_assets.schemas import enums
from orchestration_assets.schemas.states import ItemState
from tests.docs.pages import ROOT

_TERMS = re.findall(
    r"^\| `?([^|`]+?)`? \| .+ \|$", (ROOT / "docs" / "glossary.md").read_text(), re.M
)[1:]


def _order(term: str) -> str:
    return re.sub("[_-]", " ", term).lower()


def test_terms_are_in_order_and_stand_once() -> None:
    assert len(_TERMS) > 100
    assert sorted(set(_TERMS), key=_order) == _TERMS


@pytest.mark.parametrize(
    "closed",
    [
        enums.EntryOutcome,
        enums.AnswerKind,
        enums.Status,
        enums.ProcessingModel,
        enums.ResolutionStatus,
        enums.DisagreementKind,
        enums.DisputeKind,
        enums.Triage,
        ItemState,
    ],
)
def test_every_value_has_its_entry(closed: type[StrEnum]) -> None:
    assert not [member.value for member in closed if member.value not in _TERMS]
