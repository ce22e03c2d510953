"""The spans of one item: itself, its tasks, each question to a service, and repeated attempts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final

from orchestration_assets.processing.asker import CACHE, CALLED
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import redact
from orchestration_assets.tracing.item_facts import ItemFacts
from orchestration_assets.tracing.operations import AttemptFacts, Operation
from orchestration_assets.tracing.spans import (
    Attribute,
    Attributes,
    SpanRecord,
    item_key,
    task_key,
)

_MOST_CHARS: Final = 1000


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Service over HTTP -> what is said of it: with every operation, and of its requests in
    spans alone. Other services are embedded."""

    common: Mapping[str, Attributes]
    request: Mapping[str, Attributes]


def item_spans(
    item: ItemFacts, endpoints: Endpoints, parent: str, otherwise_ns: int
) -> Iterator[SpanRecord]:
    """The spans of an item below the span ``parent``.

    ``otherwise_ns``: when it was, where no call tells that. Content is told where the facts have
    it.
    """
    operations = item.operations
    start = min((one.start_ns for one in operations), default=otherwise_ns)
    end = max((one.end_ns for one in operations), default=otherwise_ns)
    about: dict[str, Attribute] = {
        "orchestration.item.id": item.item_id,
        "orchestration.traced_for": item.traced_for.value,
    }
    if item.state is not None:
        about["orchestration.state"] = item.state
    if item.path is not None:
        about["orchestration.item.path"] = shown(item.path)
    error = item.state if item.traced_for == "failed" else None
    key = item_key(item.item_id)
    yield SpanRecord("item", key, parent, start, end, about, error=error)
    for task, own in groupby(operations, attrgetter("task")):
        yield from _task_spans(item, task, list(own), endpoints, key)


def _task_spans(
    item: ItemFacts, task: str, operations: Sequence[Operation], endpoints: Endpoints, parent: str
) -> Iterator[SpanRecord]:
    key = task_key(item.item_id, task)
    yield SpanRecord(
        f"task {task}",
        key,
        parent,
        min(one.start_ns for one in operations),
        max(one.end_ns for one in operations),
        _task_attributes(item, task),
    )
    for one in operations:
        answer = item.answers.get((task, one.asked, one.round)) if one.was_called else None
        yield _operation_span(one, endpoints, key, answer)
        if len(one.attempts) > 1:
            yield from (_attempt_span(each, one.key) for each in one.attempts)


def _task_attributes(item: ItemFacts, task: str) -> Attributes:
    found: dict[str, Attribute] = {"orchestration.task": task}
    plan, resolution = item.plans.get(task), item.resolutions.get(task)
    if plan is not None:
        found |= {
            "orchestration.processing_model": plan.model,
            "orchestration.option": plan.option,
            "orchestration.strategy": plan.strategy,
        }
    taken = [one for one in item.decisions if one.task == task]
    if taken:
        found["orchestration.decisions"] = tuple(
            " ".join((one.action, *one.services)) for one in taken
        )
    if resolution is not None:
        found["orchestration.resolution"] = resolution.status.value
        if resolution.error_risk is not None:
            found["orchestration.error_risk"] = resolution.error_risk
        if resolution.triage is not None:
            found["orchestration.triage"] = resolution.triage.value
        if item.path is not None:
            found["orchestration.reason"] = shown(resolution.reason)
            if resolution.answer is not None:
                found["orchestration.answer"] = shown(resolution.answer)
    return found


def _operation_span(
    one: Operation, endpoints: Endpoints, parent: str, answer: str | None
) -> SpanRecord:
    common = endpoints.common.get(one.called) if one.was_called else None
    name, found = _named(one)
    if common is not None:
        name = f"{common['gen_ai.operation.name']} {common['gen_ai.request.model']}"
        found = {**common, **endpoints.request[one.called], **_response(one), **found}
        if answer is not None:
            found["gen_ai.output.messages"] = _messages(answer, one.last.finish_reason)
    if one.asked != one.called:
        found["orchestration.fallback_for"] = one.asked
    if one.part is not None:
        found["orchestration.part"] = one.part
    if one.round:
        found["orchestration.round"] = one.round
    if len(one.attempts) > 1:
        found["orchestration.attempts"] = len(one.attempts)
    return SpanRecord(
        name,
        one.key,
        parent,
        one.start_ns,
        one.end_ns,
        found,
        error=one.last.error,
        client=common is not None,
    )


def _named(one: Operation) -> tuple[str, dict[str, Attribute]]:
    found: dict[str, Attribute] = {"orchestration.service": one.called}
    if one.was_called:
        return f"service {one.called}", found
    if one.last.origin == CACHE:
        return f"cached {one.asked}", found
    # deferred, over the budget, or shared with a near-copy
    found["orchestration.status"] = one.last.status.value
    return f"{one.last.origin.replace('_', ' ')} {one.asked}", found


def _response(one: Operation) -> dict[str, Attribute]:
    last = one.last
    stated: Mapping[str, Attribute | None] = {
        "gen_ai.response.model": last.response_model,
        "gen_ai.response.id": last.response_id,
        "gen_ai.response.finish_reasons": (last.finish_reason,) if last.finish_reason else None,
        "gen_ai.response.time_to_first_chunk": (
            last.first_token_ms / 1000 if last.first_token_ms is not None else None
        ),
        "gen_ai.usage.input_tokens": one.tokens_in,
        "gen_ai.usage.output_tokens": one.tokens_out,
        "orchestration.cost_usd": one.cost_usd,
    }
    return {name: value for name, value in stated.items() if value is not None}


def _attempt_span(one: AttemptFacts, parent: str) -> SpanRecord:
    about: dict[str, Attribute] = {"orchestration.attempt": one.attempt}
    key = f"{parent}/{one.attempt}"
    origin = one.origin if one.origin != CALLED else "attempt"
    name = origin.replace("_", " ")
    return SpanRecord(name, key, parent, one.start_ns, one.end_ns, about, error=one.error)


def _messages(answer: str, finish_reason: str | None) -> str:
    part = {"type": "text", "content": shown(answer)}
    message: dict[str, object] = {"role": "assistant", "parts": [part]}
    if finish_reason:
        message["finish_reason"] = finish_reason
    return json.dumps([message], ensure_ascii=False)


def shown(text: str) -> str:
    """Content as it may be told: secrets and personal data replaced, at most 1,000 characters."""
    short = redact(text, tuple(SensitiveKind)).text
    return short if len(short) <= _MOST_CHARS else f"{short[:_MOST_CHARS]}…"
