"""Conditions of plans as people say them: ``kind eq contract, risk lt 0.1`` is written in operators
of the policy."""

import re
from typing import Final

_OPERATORS: Final = {
    "eq": "is",
    "ne": "is not",
    "lt": "is below",
    "le": "is at most",
    "gt": "is above",
    "ge": "is at least",
    "in": "is one of",
    "not_in": "is none of",
    "contains": "holds",
}
_OPERATOR: Final = re.compile(rf"(?<= )(?:is )?({'|'.join(_OPERATORS)})(?= )")
_WITH: Final = re.compile(r"(?:^|(?<=, ))(risk|confidence) (?=(?:lt|le|gt|ge|eq) )")


def condition_in_plain_words(text: str) -> str:
    """A condition, whose tests are parted by ``;``, without operators."""
    return "; and ".join(_plain(part.strip()) for part in text.split(";"))


def _plain(test: str) -> str:
    test = _WITH.sub(lambda found: f"and its {found[1]} ", test)
    return _OPERATOR.sub(lambda found: _OPERATORS[found[1]], test)
