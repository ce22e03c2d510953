"""JSON written and read by pydantic's compiled code, several times as fast as the standard module.

What that code refuses goes to the standard module, whose word is final: halves of surrogate pairs,
encodings other than UTF-8, byte order marks.
"""

import json
from typing import Any, Final

from pydantic_core import PydanticSerializationError, from_json, to_json

_compact: Final = json.JSONEncoder(separators=(",", ":")).encode


def json_bytes(value: Any) -> bytes:
    """Plain values (dict with texts as keys, list, tuple, text, number, truth value, None) as
    compact UTF-8.

    Numbers that are not finite are written as the standard module writes them. Of other values
    some are written that the standard module refuses. Raises TypeError and ValueError.
    """
    try:
        return to_json(value, inf_nan_mode="constants")
    except (PydanticSerializationError, ValueError):
        return _compact(value).encode()


def json_value(data: bytes | str) -> Any:
    """The value that a JSON text holds. Raises ValueError and RecursionError as ``json.loads``."""
    try:
        return from_json(data)
    except (ValueError, RecursionError):
        return json.loads(data)
