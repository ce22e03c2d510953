"""Records that are made and changed quickly are the ones that their class makes."""

from dataclasses import FrozenInstanceError, dataclass, field, replace
from datetime import UTC, datetime

import pytest

from orchestration_assets.processing.asker import AskResult
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.schemas.quick_records import constructor, replaced

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _One:
    number: int


@dataclass(frozen=True, slots=True)
class _Several:
    name: str
    numbers: list[int] = field(default_factory=list)


def test_a_record_made_of_its_values_is_the_one_that_its_class_makes() -> None:
    made = constructor(_Several)("a")

    assert type(made) is _Several
    assert made == _Several("a")
    assert made.numbers is not constructor(_Several)("b").numbers
    with pytest.raises(FrozenInstanceError):
        made.name = "b"  # type: ignore[misc]


def test_a_changed_record_is_the_one_that_dataclasses_makes() -> None:
    result = AskResult("a", "1", "key", Reading(Status.OK, "x", 0.5), "called", 0.0, _NOW, 1.5)

    changed = replaced(result, final=False, decides=True, saw=("b",))

    assert changed == replace(result, final=False, decides=True, saw=("b",))
    assert result.final and type(changed) is AskResult
    assert replaced(_One(1), number=2) == _One(2)
    with pytest.raises(KeyError, match="finale"):
        replaced(result, finale=True)


def test_a_record_that_looks_at_its_values_still_does() -> None:
    with pytest.raises(ValueError, match="confidence"):
        replaced(Reading(Status.OK, "x", 0.5), confidence=2.0)
