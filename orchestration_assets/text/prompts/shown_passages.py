"""Passages of knowledge as a prompt shows them: redacted, and as many as fit."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from orchestration_assets.schemas.knowledge import RetrievedPassage
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import redact, without_turn_marks
from orchestration_assets.text.token_estimates import token_estimate


class ShownPassage(NamedTuple):
    """What a prompt sees of a passage, and what was redacted in it, by kind."""

    values: dict[str, Any]
    counts: Mapping[str, int]


def shown_passages(
    passages: Sequence[RetrievedPassage], kinds: Collection[SensitiveKind], tokens: int
) -> tuple[list[ShownPassage], int]:
    """The passages that fit into so many tokens together, the best first, and how many do not.

    Passages are shown whole, and under the number that an answer cites them by, from 1 on.
    """
    shown: list[ShownPassage] = []
    for number, passage in enumerate(passages, start=1):
        content = redact(without_turn_marks(passage.text), kinds)
        heading = redact(without_turn_marks(passage.heading), kinds)
        tokens -= token_estimate(content.text)
        if tokens < 0:
            break
        values = {
            "number": number,
            "content": content.text,
            "heading": heading.text,
            "document": without_turn_marks(passage.document),
            "corpus": passage.corpus,
        }
        counts = {
            kind: content.counts.get(kind, 0) + heading.counts.get(kind, 0)
            for kind in {*content.counts, *heading.counts}
        }
        shown.append(ShownPassage(values, counts))
    return shown, len(passages) - len(shown)
