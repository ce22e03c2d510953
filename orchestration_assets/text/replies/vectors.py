"""Reads vectors from the bodies of embeddings responses."""

import binascii
from array import array
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Mapping
from sys import byteorder
from typing import Any

from orchestration_assets.schemas.answers import is_vector
from orchestration_assets.text.replies.call_errors import MalformedResponse


class UnfitVectorError(ValueError):
    """A value is not a usable vector; the message says why."""


def vectors_in(body: Mapping[str, Any], expected: int) -> list[Any]:
    """The value for each item, by its index.

    Raises MalformedResponse when an item has nothing or more than one.
    """
    data = body.get("data")
    if not isinstance(data, list):
        raise MalformedResponse("the answer has no data")
    if len(data) != expected:
        raise MalformedResponse(f"{expected} vectors were asked for, {len(data)} came")
    vectors: dict[int, Any] = {}
    for position, entry in enumerate(data):
        if not isinstance(entry, dict):
            raise MalformedResponse("data holds what is no object")
        index = _item_index(entry.get("index", position))
        if index is None or not 0 <= index < expected or index in vectors:
            raise MalformedResponse("the vectors' indexes do not cover the items")
        vectors[index] = entry.get("embedding")
    return [vectors[index] for index in range(expected)]


def _item_index(value: Any) -> int | None:
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
        vector = _from_base64(given)
    elif isinstance(given, list) and given:
        if not all(type(component) is float or type(component) is int for component in given):
            raise UnfitVectorError("the vector holds what is no number")
        try:
            vector = tuple(map(float, given))
        except OverflowError as error:
            raise UnfitVectorError("the vector holds what is no number of 32 bits") from error
    else:
        raise UnfitVectorError("no vector came for this item")
    if not is_vector(vector):
        raise UnfitVectorError("the vector holds what is no finite number of 32 bits")
    if not any(vector):
        raise UnfitVectorError("the vector is all zeros: it points nowhere")
    return vector


def _from_base64(text: str) -> tuple[float, ...]:
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnfitVectorError("the vector is neither numbers nor base64") from error
    if not data or len(data) % 4:
        raise UnfitVectorError("the vector's base64 holds no whole number of 32-bit floats")
    floats = array("f", data)
    if byteorder == "big":
        floats.byteswap()
    return tuple(floats)


def most_common_length(lengths: Iterable[int]) -> int | None:
    """The length that most vectors have; of equally frequent ones the first; None without any."""
    counted = Counter(lengths).most_common(1)
    return counted[0][0] if counted else None
