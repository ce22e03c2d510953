"""When two values of a field are the same, and how far apart they lie."""

import re
from functools import lru_cache
from typing import Final

from orchestration_assets.evidence.distances.folding import fold
from orchestration_assets.evidence.distances.identifiers import same_identifier
from orchestration_assets.evidence.distances.texts import text_distance
from orchestration_assets.evidence.single_values import (
    are_forms_of_one,
    exclude_each_other,
)
from orchestration_assets.schemas.record_fields import FieldType, RecordField

SAME_TEXT: Final = 0.25
"""Texts that lie nearer than this are one value that two services cut or spelled otherwise."""
_CACHED: Final = 65_536
_YEARS: Final = re.compile(
    r"^(?:(?:copyright|\(c\)|\u00a9)\s*)*\d{4}(?:\s*[-,\u2013]\s*\d{4})*,?\s+(?=\D)", re.IGNORECASE
)
_EXACT: Final = 1e-9

Leaf = str | float | bool


def value_distance(first: Leaf, second: Leaf, field: RecordField) -> float:
    """The distance of two values of a field that is no list: in [0, 1], symmetric.

    number: 0 within the tolerance, else 1. date: 0 where one is the other, or says less of the
    same day, else 1. label, boolean: 0 or 1. text: identifiers and addresses 0 or 1, letter by
    letter; 0 for two forms of one value (*R. Okafor* and *Okafor, Ruth*), 1 for values that exclude
    each other, else the distance of texts.
    """
    if first == second and type(first) is type(second):
        return 0.0
    match field.type:
        case FieldType.NUMBER:
            return 0.0 if _same_number(first, second, field.tolerance) else 1.0
        case FieldType.DATE:
            short, long = sorted((str(first), str(second)), key=len)
            return 0.0 if long.startswith(short) else 1.0
        case FieldType.LABEL:
            return 0.0 if fold(str(first)) == fold(str(second)) else 1.0
        case FieldType.TEXT:
            return _texts_apart(*sorted((str(first), str(second))))
        case _:
            return 1.0


def same_value(first: Leaf, second: Leaf, field: RecordField) -> bool:
    """Whether two values of a field say the same."""
    apart = value_distance(first, second, field)
    return apart < SAME_TEXT if field.type is FieldType.TEXT else apart == 0.0


def _same_number(first: Leaf, second: Leaf, tolerance: float) -> bool:
    a, b = float(first), float(second)
    return abs(a - b) <= max(tolerance, _EXACT * max(abs(a), abs(b)))


@lru_cache(_CACHED)
def _texts_apart(first: str, second: str) -> float:
    one = same_identifier(first, second)
    if one is not None:
        return 0.0 if one else 1.0
    first, second = _without_years(first, second)
    if fold(first) == fold(second) or are_forms_of_one(first, second):
        return 0.0
    return 1.0 if exclude_each_other(first, second) else text_distance(first, second)


def _without_years(first: str, second: str) -> tuple[str, str]:
    """Both texts, without the years in front of one where the other has none: *1991-2000 Silicon
    Graphics* names the same holder as *Silicon Graphics, Inc*."""
    bare = _YEARS.sub("", first), _YEARS.sub("", second)
    dated = bare[0] != first, bare[1] != second
    return bare if dated[0] != dated[1] and all(bare) else (first, second)
