"""Remembers what was computed."""

from collections.abc import Callable


def remembered(function: Callable[[str], str], known: dict[str, str] = {}) -> Callable[[str], str]:
    """The function, which computes nothing twice."""

    def call(key: str) -> str:
        if key not in known:
            known[key] = function(key)
        return known[key]

    return call
