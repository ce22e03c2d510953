"""Why a run failed, in one line: the outermost message of our own, else the innermost cause."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from orchestration_assets.reporting.failures import Cause, most_specific_cause
from orchestration_assets.schemas.errors import OrchestrationError, error_names, os_problem

if TYPE_CHECKING:
    import dagster as dg
    from dagster_shared.error import SerializableErrorInfo

_INTERRUPTED: Final = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}
_CLASS: Final = re.compile(r"\A[\w.]+(Error|Exception|Exit|Interrupt)\b(: )?")
_NUMBER: Final = re.compile(r"\[Errno (\d+)\] ([^:]*)")


@dataclass(frozen=True, slots=True)
class Failure:
    """What broke, in one line, and the exit code that it asks for; ``stopped`` from outside."""

    words: str
    exit_code: int
    stopped: bool = False


def failure_of(result: "dg.ExecuteInProcessResult") -> Failure:
    """Why a run without success failed.

    The exit code is 2 when all that broke is for the caller to mend, else 1.
    """
    chains = [
        (event.step_key or "a step", tuple(_chain(event.step_failure_data.error)))
        for event in result.all_events
        if event.is_step_failure
    ]
    # between steps, or while resources are closed, no step is to blame
    chains = chains or [
        ("the run", tuple(_chain(event.job_failure_data.error)))
        for event in result.all_events
        if event.event_type_value == "PIPELINE_FAILURE"
    ]
    checks = [
        f"check {e.check_name} of {e.asset_key.to_user_string()}: {e.description}"
        for e in result.get_asset_check_evaluations()
        if not e.passed and e.severity.value == "ERROR"
    ]
    stopped = any(cause.error_class in _INTERRUPTED for _, chain in chains for cause in chain)
    # what broke several steps at once is one cause
    steps: dict[str, list[str]] = {}
    for step, chain in chains:
        steps.setdefault(_words(chain), []).append(step)
    causes = [f"{', '.join(broken)}: {words}" for words, broken in steps.items()]
    what = "; ".join(dict.fromkeys(checks) or causes) or "see the run in the Dagster UI"
    codes = {_exit_code(chain) for _, chain in chains}
    return Failure(what, 2 if codes == {2} and not checks else 1, stopped)


def _chain(error: "SerializableErrorInfo | None") -> Iterator[Cause]:
    while error is not None:
        yield Cause(error.cls_name or "Unknown", error.message)
        error = error.cause


def _own(chain: tuple[Cause, ...]) -> Cause | None:
    own = error_names()
    return next((cause for cause in chain if cause.error_class in own), None)


def _words(chain: tuple[Cause, ...]) -> str:
    if not chain:
        return "no reason recorded"
    own = _own(chain)
    if own is not None:
        return " ".join(_CLASS.sub("", most_specific_cause((own,)).message, count=1).split())
    inmost = " ".join(chain[-1].message.split())
    refused = _NUMBER.search(inmost)
    if refused is None:
        return inmost
    return f"{inmost}; {os_problem(OSError(int(refused[1]), refused[2].strip()))}"


def _exit_code(chain: tuple[Cause, ...]) -> int:
    own = _own(chain)
    kind: type[OrchestrationError] | None = error_names()[own.error_class] if own else None
    return kind.exit_code if kind else 1
