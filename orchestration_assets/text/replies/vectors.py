"""Vectors as services send them, and what makes one fit to be kept."""

import binascii
from array import array
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Mapping
from sys import byteorder
from typing import Any

from orchestration_assets.schemas.answers import is_vector
from orchestration_assets.text.replies.call_errors import Garbled


class UnfitVectorError(ValueError):
    """What came for an item is no vector; the message says why."""


def vectors_in(body: Mapping[str, Any], expected: int) -> list[Any]:
    """What came for each item, by its index.

    Raises Garbled when an item has nothing or more than one.
    """
    data = body.get("data")
    if not isinstance(data, list):
        raise Garbled("the answer has no data")
    if len(data) != expected:
        raise Garbled(f"{expected} vectors were asked for, {len(data)} came")
    found: dict[int, Any] = {}
    for position, one in enumerate(data):
        if not isinstance(one, dict):
            raise Garbled("data holds what is no object")
        index = _index(one.get("index", position))
        if index is None or not 0 <= index < expected or index in found:
            raise Garbled("the vectors' indexes do not cover the items")
        found[index] = one.get("embedding")
    return [found[index] for index in range(expected)]


def _index(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value in range(1 << 20) else None


def vector_of(given: Any) -> tuple[float, ...]:
    """The components, from a list of numbers or from base64 of 32-bit floats, little-endian.

    Raises UnfitVectorError for anything else, for what a table cannot hold, and for zeros only:
    they point nowhere.
    """
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
        given = given[0]
    if isinstance(given, str):
        found = _from_base64(given)
    elif isinstance(given, list) and given:
        if not all(type(one) is float or type(one) is int for one in given):
            raise UnfitVectorError("the vector holds what is no number")
        try:
            found = tuple(map(float, given))
        except OverflowError as error:
            raise UnfitVectorError("the vector holds what is no number of 32 bits") from error
    else:
        raise UnfitVectorError("no vector came for this item")
    if not is_vector(found):
        raise UnfitVectorError("the vector holds what is no finite number of 32 bits")
    if not any(found):
        raise UnfitVectorError("the vector is all zeros: it points nowhere")
    return found


def _from_base64(text: str) -> tuple[float, ...]:
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnfitVectorError("the vector is neither numbers nor base64") from error
    if not data or len(data) % 4:
        raise UnfitVectorError("the vector's base64 holds no whole number of 32-bit floats")
    found = array("f", data)
    if byteorder == "big":
        found.byteswap()
    return tuple(found)


def usual_length(lengths: Iterable[int]) -> int | None:
    """The length that most vectors have; of equally frequent ones the first; None without any."""
    counted = Counter(lengths).most_common(1)
    return counted[0][0] if counted else None
