"""Calls of tools as the OpenAI protocol has them: declarations, turns so far, and what is asked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.schemas.storable_values import whole_text
from orchestration_assets.schemas.tool_use import ToolRequest, ToolTurn
from orchestration_assets.text.replies.answer_text import is_answer_tool
from orchestration_assets.text.replies.completions import Completion
from orchestration_assets.text.token_estimates import token_estimate

CALLS: Final = "calls of tools"
"""The evidence of a reading that holds calls of tools rather than an answer."""
MOST_REQUESTS: Final = 32
"""Calls of one reply that are looked at."""
_LONGEST_ARGUMENTS: Final = 10_000


def with_tools(body: Mapping[str, Any], question: Question) -> dict[str, Any]:
    """The body of a request with the tools that may be called, and the turns so far.

    When no more may be called it says so, and still declares them: turns refer to them.
    """
    tools = question.task.tools
    if tools is None:
        return dict(body)
    turns = [message for one in _turns(question) for message in one]
    declared = [
        {
            "type": "function",
            "function": {
                "name": one.name,
                "description": one.description,
                "parameters": json.loads(one.schema),
            },
        }
        for one in tools.declared
    ]
    return {
        **body,
        "messages": [*body["messages"], *turns],
        "tools": declared,
        "tool_choice": "auto" if question.tools_open else "none",
    }


def tool_tokens(question: Question) -> int:
    """Estimated tokens of what :func:`with_tools` adds."""
    tools = question.task.tools
    if tools is None:
        return 0
    declared = sum(token_estimate(one.description + one.schema) for one in tools.declared)
    turns = (str(message) for one in _turns(question) for message in one)
    return declared + sum(map(token_estimate, turns))


def _turns(question: Question) -> list[list[dict[str, Any]]]:
    return [_messages(number, turn) for number, turn in enumerate(question.turns, start=1)]


def _messages(reply: int, turn: ToolTurn) -> list[dict[str, Any]]:
    names = [f"call_{reply}_{number}" for number in range(1, len(turn.requests) + 1)]
    calls = [
        {
            "id": name,
            "type": "function",
            "function": {"name": one.name, "arguments": one.arguments},
        }
        for name, one in zip(names, turn.requests, strict=True)
    ]
    answers = [
        {
            "role": "tool",
            "tool_call_id": name,
            "content": json.dumps(
                {
                    "outcome": one.outcome.value,
                    "untrusted_data": one.text,
                    **({"cut": True} if one.cut else {}),
                },
                ensure_ascii=False,
            ),
        }
        for name, one in zip(names, turn.results, strict=True)
    ]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *answers]


def calls_reading(completion: Completion) -> Reading | None:
    """A reading that holds the calls of a completion; None where it calls no tool.

    An answer in the shape of a call is none.
    """
    calls = [one for one in completion.calls if not is_answer_tool(one.name)]
    if not calls:
        return None
    plain = [
        [one.name, whole_text(one.arguments[:_LONGEST_ARGUMENTS])] for one in calls[:MOST_REQUESTS]
    ]
    return Reading(Status.OK, json.dumps(plain, ensure_ascii=False), evidence=CALLS)


def requests_in(reading: Reading) -> tuple[ToolRequest, ...]:
    """The calls that a reading holds; none of an answer."""
    if reading.evidence != CALLS or not isinstance(reading.answer, str):
        return ()
    return tuple(ToolRequest(*pair) for pair in _pairs(json.loads(reading.answer)))


def _pairs(plain: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    return [(str(name), str(arguments)) for name, arguments in plain]
