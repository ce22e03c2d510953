"""The reason that a model may be asked to give with its answer: how it is asked for and read."""

from collections.abc import Mapping
from typing import Any, Final

from orchestration_assets.schemas.services import ChatConfig
from orchestration_assets.text.sentences import one_line
from orchestration_assets.text.token_estimates import token_estimate

REASON_REQUEST: Final = (
    'Give a member "reason" too, after the answer: at most 30 words on what decides, with the '
    "deciding words of the content quoted exactly between “ and ”."
)
_MEMBERS: Final = ("reason", "explanation", "rationale")


def prompt_tokens(config: ChatConfig) -> int:
    """The tokens of a prompt without content, those that ask for a reason included."""
    asked = token_estimate(REASON_REQUEST) if config.explain else 0
    return token_estimate(config.prompt.system) + token_estimate(config.prompt.user) + asked


def with_reason(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an answer with a reason, null where the model has none."""
    reason = {"type": ["string", "null"]}
    return {
        **schema,
        "properties": {**schema["properties"], "reason": reason},
        "required": [*schema["required"], "reason"],
    }


def stated_reason(value: Mapping[str, Any]) -> str | None:
    """The reason in an answer's JSON object, on one line of at most 400 characters.

    None where there is none, or something else than text: an answer does not fail for it.
    """
    given = next((value[name] for name in _MEMBERS if value.get(name)), None)
    if isinstance(given, list):
        given = "; ".join(part for part in given if isinstance(part, str))
    return (one_line(given) or None) if isinstance(given, str) else None


def before_reason(text: str) -> str | None:
    """The JSON object of a text that was cut in its reason, closed before it; None without one."""
    begin, found, _ = text.rpartition(f'"{_MEMBERS[0]}"')
    begin = begin.rstrip()
    return f"{begin[:-1]}}}" if found and begin.endswith(",") else None
