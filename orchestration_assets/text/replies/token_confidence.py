"""The confidence in an answer from the probabilities of the tokens that spell it."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from orchestration_assets.text.replies.answer_text import plain_forms

_MOST_TOKENS: Final = 200_000
_ROUNDING: Final = 1e-3
"""A logarithm of a probability may exceed 0 by so much; more is something else."""
_KEY: Final = '"answer"'


def confidence_from_logprobs(logprobs: Any, answer: str) -> float | None:
    """The probability, in [0, 1], of the tokens that spell ``answer`` in the text: their product.

    ``logprobs`` is what the service sends: an object with ``content``, the older one with
    ``tokens`` and ``token_logprobs``, or the list itself. None where it cannot be read, or where
    the tokens do not spell the answer.
    """
    spelled = list(_tokens(logprobs))
    if not spelled or not answer:
        return None
    text = "".join(token for token, _ in spelled)
    found = _place(text, answer)
    if found is None:
        return None
    begin, end = found
    position, total = 0, 0.0
    for token, logprob in spelled:
        if position < end and position + len(token) > begin:
            if logprob is None:
                return None
            total += logprob
        position += len(token)
    return min(1.0, math.exp(total)) if math.isfinite(total) else None


def _place(text: str, answer: str) -> tuple[int, int] | None:
    """Where the answer stands: after the last key of that name, else as all that is said."""
    forms = dict.fromkeys(
        (json.dumps(answer, ensure_ascii=False)[1:-1], json.dumps(answer)[1:-1], answer)
    )
    key = text.rfind(_KEY)
    if key < 0 and answer not in plain_forms(text):
        return None
    for form in forms:
        begin = text.find(form, key + len(_KEY)) if key >= 0 else text.rfind(form)
        if begin >= 0:
            return begin, begin + len(form)
    return None


def _tokens(logprobs: Any) -> Iterator[tuple[str, float | None]]:
    """Tokens with their log-probability; None where there is none that can be."""
    given = logprobs
    if isinstance(given, Mapping):
        words, values = given.get("tokens"), given.get("token_logprobs")
        if isinstance(words, list) and isinstance(values, list) and len(words) == len(values):
            pairs = zip(words[:_MOST_TOKENS], values, strict=False)
            given = [{"token": word, "logprob": value} for word, value in pairs]
        else:
            given = given.get("content")
    if not isinstance(given, list):
        return
    for one in given[:_MOST_TOKENS]:
        if not isinstance(one, Mapping) or not isinstance(one.get("token"), str):
            # what cannot be spelled leaves everything after it in the wrong place
            return
        yield one["token"], _logprob(one.get("logprob"))


def _logprob(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if found <= _ROUNDING else None
