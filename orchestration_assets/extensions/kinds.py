"""Kinds of answer that other distributions add, each standing on a packaged one.

A packaged kind says how an answer is stored, shown, parsed and read from verdicts, and all of that
stays. What a kind of one's own says is what makes two answers the same, which one stands, and what
a difference would change.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Final

from orchestration_assets.plugins import (
    PluginGroup,
    PluginListing,
    list_plugins,
    made_plugin,
    usable_plugin,
)
from orchestration_assets.schemas.answers import Answer, shown
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.items import Task
from orchestration_assets.schemas.storable_values import whole_text

OPEN_KINDS: Final = (AnswerKind.TEXT, AnswerKind.SET)
"""On which packaged kinds one of one's own may stand. A label's answer is a probability over closed
labels, a record's is learned value by value, and scores and vectors are measured against their
whole batch: none of these asks for the distance of a pair alone."""
_PACKAGED: Final = frozenset(map(str, AnswerKind))


class OwnKindError(OrchestrationError):
    """What a plug-in's kind computed cannot be used; the message names it and what is wrong."""


@dataclass(frozen=True, slots=True)
class AnswerDifference:
    """What the other of two answers would change: ``strength`` in [0, 1], 0 for nothing, and a
    ``sentence`` for people."""

    strength: float
    sentence: str


class OwnKind(ABC):
    """The behaviour of a kind of answer; a subclass gives the distance, and whatever else differs.

    Every method is a pure function of its arguments: no clock, no chance, no network. What one
    raises fails the question that it was asked about, by name, and no other. ``base`` is one of
    :data:`OPEN_KINDS`: an answer is a ``str`` on text, a tuple of ``str`` on set. ``meaning`` is a
    sentence for people. Two answers whose distance reaches ``disagree_at`` disagree, unless a
    policy says otherwise.
    """

    name: ClassVar[str]
    base: ClassVar[AnswerKind]
    meaning: ClassVar[str] = ""
    disagree_at: ClassVar[float] = 0.5

    def problem(self, answer: Answer, task: Task) -> str | None:
        """Why a value of the base is no answer of this kind, in words; None where it is one."""
        return None

    @abstractmethod
    def distance(self, first: Answer, second: Answer, task: Task) -> float:
        """How far two answers lie apart: in [0, 1], symmetric, 0 for equal ones."""

    def standing(self, answers: Sequence[tuple[Answer, float]], task: Task) -> Answer:
        """The answer that stands, of at least one with its weight above 0.

        The weighted medoid: the one with the smallest sum of weight times distance to the others;
        ties go to the heavier, then to the earlier.
        """

        def far(position: int) -> tuple[float, float]:
            answer, weight = answers[position]
            total = math.fsum(w * self.distance(answer, other, task) for other, w in answers)
            return total, -weight

        return answers[min(range(len(answers)), key=far)][0]

    def difference(self, first: Answer, second: Answer, task: Task) -> AnswerDifference:
        """What the other of two unequal answers would change."""
        apart = self.distance(first, second, task)
        return AnswerDifference(apart, f"they lie {apart:.2g} apart as {self.name}")

    def exclusive(
        self, first: Answer, second: Answer, task: Task
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What only the first and only the second answer says, as short texts."""
        return (shown(first) or "",), (shown(second) or "",)


@dataclass(frozen=True, slots=True)
class LoadedKind:
    """A kind of a plug-in, held to its contract wherever it is used; ``version`` is part of keys.

    Its methods raise OwnKindError for whatever the plug-in raises or gives that is out of range.
    """

    kind: OwnKind
    version: str

    def problem(self, answer: Answer, task: Task) -> str | None:
        """See :meth:`OwnKind.problem`."""
        with self._held("problem"):
            return self.kind.problem(answer, task)

    def distance(self, first: Answer, second: Answer, task: Task) -> float:
        """See :meth:`OwnKind.distance`."""
        if first == second:
            return 0.0
        with self._held("distance"):
            return self._share("distance", self.kind.distance(first, second, task))

    def standing(self, answers: Sequence[tuple[Answer, float]], task: Task) -> Answer:
        """See :meth:`OwnKind.standing`."""
        with self._held("standing"):
            found = self.kind.standing(answers, task)
        parts = found if isinstance(found, tuple) else (found,)
        is_whole = all(isinstance(one, str) and whole_text(one) == one for one in parts)
        if type(found) is not type(answers[0][0]) or not is_whole:
            raise self._refusal("standing", f"gave {found!r}, which is no {self.kind.base}")
        return found

    def difference(self, first: Answer, second: Answer, task: Task) -> AnswerDifference:
        """See :meth:`OwnKind.difference`."""
        with self._held("difference"):
            found = self.kind.difference(first, second, task)
            self._share("difference", found.strength)
        return found

    def exclusive(
        self, first: Answer, second: Answer, task: Task
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """See :meth:`OwnKind.exclusive`."""
        with self._held("exclusive"):
            ours, theirs = self.kind.exclusive(first, second, task)
            return tuple(map(str, ours)), tuple(map(str, theirs))

    def _share(self, method: str, value: float) -> float:
        if isinstance(value, float | int) and 0.0 <= value <= 1.0:
            return float(value)
        raise self._refusal(method, f"gave {value!r}, which is not in [0, 1]")

    def _held(self, method: str) -> "_Held":
        return _Held(self, method)

    def _refusal(self, method: str, said: str) -> OwnKindError:
        return OwnKindError(f"kind {self.kind.name} ({self.version}): {method} {said}")


class _Held:
    """Names the plug-in in whatever is raised inside."""

    def __init__(self, kind: LoadedKind, method: str) -> None:
        self._kind, self._method = kind, method

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, OwnKindError):
            said = " ".join(f"raised {type(error).__name__}: {error}".split())
            raise self._kind._refusal(self._method, said) from error


@cache
def own_kind(name: str) -> LoadedKind:
    """The kind of a plug-in. Raises PluginError where there is none of this name that is usable."""
    listed = kind_plugins()
    known = ", ".join(listed.usable) or "none"
    unknown = (
        f"no plug-in adds the kind of answer {name!r} (installed: {known}); install the package "
        "that has it, or mend the name"
    )
    return LoadedKind(*made_plugin(usable_plugin(listed, name, unknown), OwnKind, kind_problems))


def own_kind_problem(answer: Answer, task: Task) -> str | None:
    """Why the kind of a plug-in, if the task has one, refuses an answer; None where it does not.

    Raises OwnKindError.
    """
    problem = own_kind(task.own_kind).problem(answer, task) if task.own_kind else None
    return None if problem is None else f"answered what is no {task.own_kind}: {problem}"


def kind_plugins() -> PluginListing:
    """The installed plug-ins that are kinds of answer; none of them is imported."""
    return list_plugins(PluginGroup.KINDS, _PACKAGED)


def kind_problems(name: str, kind: type[OwnKind]) -> Iterator[str]:
    """What keeps a class from being the kind ``name``, in words."""
    if getattr(kind, "base", None) not in OPEN_KINDS:
        yield f"base is none of {', '.join(OPEN_KINDS)}"
    if not (isinstance(kind.disagree_at, float | int) and 0.0 <= kind.disagree_at <= 1.0):
        yield "disagree_at is not in [0, 1]"
