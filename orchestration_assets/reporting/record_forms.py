"""The records of one question side by side: a row a value, differing ones marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestration_assets.schemas.tables import FieldResolution

_ROWS: Final = 30
_ALIKE: Final = 6


@dataclass(frozen=True, slots=True)
class FormRow:
    """One value: its path, what stands and how probably that is wrong, and what each service says
    (None where it says nothing). ``differs``: whether they do not all say the same."""

    path: str
    stands: str | None
    risk: float
    said: tuple[str | None, ...]
    differs: bool
    ungrounded: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class RecordForm:
    """The rows of a record, those that differ first to be kept; ``equal`` more are alike for all
    and not shown, ``hidden`` differ and find no room."""

    services: tuple[str, ...]
    rows: tuple[FormRow, ...]
    equal: int
    hidden: int


def record_form(fields: Sequence[FieldResolution], services: Sequence[str]) -> RecordForm:
    """The form of one question, by the ``fields`` of its resolution."""
    rows = [_row(one, services) for one in fields if not _told_by_its_parts(one, fields)]
    differing = [row for row in rows if row.differs]
    alike = [row for row in rows if not row.differs]
    room = min(max(_ROWS - len(differing), 0), _ALIKE)
    kept = {row.path for row in (*differing[:_ROWS], *alike[:room])}
    return RecordForm(
        tuple(services),
        tuple(row for row in rows if row.path in kept),
        max(len(alike) - room, 0),
        max(len(differing) - _ROWS, 0),
    )


def _told_by_its_parts(one: FieldResolution, fields: Sequence[FieldResolution]) -> bool:
    """Whether it is an entry that all have, whose values have rows of their own."""
    inside = f"{one.path}."
    agreed = not (one.dissenters or one.missing)
    return agreed and any(other.path.startswith(inside) for other in fields)


def _row(one: FieldResolution, services: Sequence[str]) -> FormRow:
    said = {other.service: other.value for other in one.dissenters}
    if one.value is not None:
        said |= dict.fromkeys(one.supporters, one.value)
    return FormRow(
        one.path,
        one.value,
        one.risk,
        tuple(said.get(name) for name in services),
        bool(one.dissenters or one.missing),
        tuple(name in one.ungrounded for name in services),
    )
