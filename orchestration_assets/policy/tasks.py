"""The policy's tasks as services see them."""

from collections.abc import Mapping
from typing import Final

from orchestration_assets.extensions.kinds import own_kind
from orchestration_assets.policy.tools import task_tools
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Task, ValueRule
from orchestration_assets.schemas.policy import Policy, Validation

# from how far apart two answers disagree, unless the policy says otherwise; labels: any difference
_DISAGREE_AT: Final[Mapping[AnswerKind, float]] = {
    AnswerKind.LABEL: 1.0,
    AnswerKind.SET: 0.8,
    AnswerKind.TEXT: 0.8,
    AnswerKind.SCORE: 0.5,
    AnswerKind.VECTOR: 0.8,
    # any field
    AnswerKind.RECORD: 0.0,
}


def build_tasks(policy: Policy | None) -> dict[str, Task]:
    """Every task of the policy by name. Raises PluginError for a kind that is gone meanwhile."""
    found = {}
    for name, task in policy.tasks.items() if policy else ():
        own = None if task.own_kind is None else own_kind(task.own_kind)
        usual = _DISAGREE_AT[task.kind] if own is None else float(own.kind.disagree_at)
        disagree_at = usual if task.disagree_at is None else task.disagree_at
        found[name] = Task(
            *(name, task.version, task.kind, task.labels, task.scale, disagree_at, task.question),
            near_synonyms=task.near_synonyms,
            bands=task.bands,
            fields=task.record_fields,
            quotes=task.quotes,
            value_rules=tuple(map(_value_rule, task.validate_)),
            parts=task.task_parts,
            redact_answers=task.taken_out,
            own_kind=task.own_kind or "",
            tools=None if task.tools is None else task_tools(task.tools),
            own_kind_version="" if own is None else own.version,
        )
    return found


def _value_rule(given: Validation) -> ValueRule:
    return ValueRule(
        given.rule or given.question or "",
        given.because,
        given.otherwise,
        given.attempts,
        given.service or "",
        given.escalate_to or "",
    )
