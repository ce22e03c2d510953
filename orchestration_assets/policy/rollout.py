"""Which items a policy on trial answers, and whether it can be compared with the one in force."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

from orchestration_assets.policy.memory import remembered_tasks
from orchestration_assets.policy.task_graph import task_inputs
from orchestration_assets.schemas.policy import Policy

_SPAN: Final = float(1 << 64)
_MAY_DIFFER: Final = frozenset(
    {"question", "version", "resolve", "manners", "impact"}
    | {"directives", "rules", "learned", "default"}
)
"""Of a task: who is asked, how, and how answers are weighed. The rest says what is asked of whom:
where that differs, errors and latency are of other questions."""
_ASKED_OF: Final = frozenset({"applies_to", "after", "otherwise"})
"""Of a task: which items it is asked of, and after what. Where that differs its answers are tried,
but say nothing of latency, since they are of other items."""
_SAME_SECTIONS: Final = ("content", "conversation", "features", "knowledge", "report")


def rollout_id(in_force: str, trial: str, attempt: int = 1) -> str:
    """The name of a roll-out: a hash of the hashes of both policies, and of the number of times
    that this is tried, from 1."""
    return blake2b(f"{in_force}>{trial}#{attempt}".encode(), digest_size=8).hexdigest()


def is_in_share(content_hash: str, rollout: str, share: float) -> bool:
    """Whether an item is among the ``share`` that the policy on trial answers.

    By a hash of its content and the roll-out: the same in every run, and an item of a small share
    is in every larger one.
    """
    drawn = blake2b(f"{rollout}:{content_hash}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") / _SPAN < share


def incomparable(in_force: Policy, trial: Policy) -> list[str]:
    """What keeps two policies from being compared on the same items, one line each."""
    found = list(_differences(in_force.canonical(), trial.canonical()))
    if remembered_tasks(trial):
        found.append(
            "conversation: what one policy answers about a message is remembered for the next one, "
            "and a share of the messages is no conversation: put it in force without rollout"
        )
    if not found and not comparable_tasks(in_force, trial):
        found.append("tasks: none of them is asked of the same items by both")
    return found


def _differences(one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    for section in _SAME_SECTIONS:
        if one[section] != other[section]:
            yield f"{section}: differs"
    before, after = one["tasks"], other["tasks"]
    for name in sorted(after.keys() - before.keys()):
        yield f"tasks.{name}: is new"
    for name in sorted(before.keys() & after.keys()):
        for key in sorted(_differing(before[name], after[name]) - _ASKED_OF):
            yield f"tasks.{name}.{key}: differs"


def _differing(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    keys = (one.keys() | other.keys()) - _MAY_DIFFER
    return {key for key in keys if one.get(key) != other.get(key)}


def comparable_tasks(in_force: Policy, trial: Policy) -> frozenset[str]:
    """The tasks that both policies ask of the same items: which they apply to and what they come
    after is the same, and so it is of all that they come after."""
    one, other = in_force.canonical()["tasks"], trial.canonical()["tasks"]
    inputs = task_inputs(in_force)
    same = {name for name in one.keys() & other.keys() if not _differing(one[name], other[name])}

    def is_comparable(name: str) -> bool:
        before = inputs[name].waits_for if name in inputs else ()
        return name in same and all(map(is_comparable, before))

    return frozenset(filter(is_comparable, same))
