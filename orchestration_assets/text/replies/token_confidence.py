"""The confidence in an answer from the probabilities of the tokens that spell it."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from orchestration_assets.text.replies.answer_text import unframed_forms

_MAX_TOKENS: Final = 200_000
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
    span = _answer_span(text, answer)
    if span is None:
        return None
    begin, end = span
    position, total = 0, 0.0
    for token, logprob in spelled:
        if position < end and position + len(token) > begin:
            if logprob is None:
                return None
            total += logprob
        position += len(token)
    return min(1.0, math.exp(total)) if math.isfinite(total) else None


def _answer_span(text: str, answer: str) -> tuple[int, int] | None:
    """The answer's span: after the last key ``answer``, else where it is the whole text."""
    forms = dict.fromkeys(
        (json.dumps(answer, ensure_ascii=False)[1:-1], json.dumps(answer)[1:-1], answer)
    )
    key = text.rfind(_KEY)
    if key < 0 and answer not in unframed_forms(text):
        return None
    for form in forms:
        begin = text.find(form, key + len(_KEY)) if key >= 0 else text.rfind(form)
        if begin >= 0:
            return begin, begin + len(form)
    return None


def _tokens(logprobs: Any) -> Iterator[tuple[str, float | None]]:
    """Tokens with their log-probability; None where it is missing or invalid."""
    entries = logprobs
    if isinstance(entries, Mapping):
        tokens, values = entries.get("tokens"), entries.get("token_logprobs")
        if isinstance(tokens, list) and isinstance(values, list) and len(tokens) == len(values):
            pairs = zip(tokens[:_MAX_TOKENS], values, strict=False)
            entries = [{"token": word, "logprob": value} for word, value in pairs]
        else:
            entries = entries.get("content")
    if not isinstance(entries, list):
        return
    for entry in entries[:_MAX_TOKENS]:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("token"), str):
            # what cannot be spelled leaves everything after it in the wrong place
            return
        yield entry["token"], _logprob(entry.get("logprob"))


def _logprob(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if number <= _ROUNDING else None
