"""How a model is told what is wrong with its answer: its own turn again, then what should hold."""

import json
from collections.abc import Collection
from typing import Any

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.items import Objection
from orchestration_assets.schemas.record_answers import RecordAnswer, plain_fields
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import redact, without_turn_marks


def objection_turns(objection: Objection, kinds: Collection[SensitiveKind]) -> list[dict[str, str]]:
    """The messages that follow the question, redacted: what was answered, and why not so."""
    given = json.dumps({"answer": _plain(objection.answer)}, ensure_ascii=False)
    asked = (
        f"Look again, this should hold: {objection.words}. Answer again; where the content "
        "really says so, give the same values."
    )
    texts = {"assistant": given, "user": asked}
    return [
        {"role": role, "content": redact(without_turn_marks(text), kinds).text}
        for role, text in texts.items()
    ]


def _plain(answer: Answer) -> Any:
    if isinstance(answer, RecordAnswer):
        return plain_fields(answer)
    return list(answer) if isinstance(answer, tuple) else answer
