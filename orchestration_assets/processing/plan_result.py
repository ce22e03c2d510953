"""What carrying out one plan yields, which readings decide it, and the answer so far."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from orchestration_assets.evidence.consensus import Consensus, consensus
from orchestration_assets.evidence.standing import ANSWERED, Roles, deciding, decisive, standing
from orchestration_assets.processing.asker import AskResult
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Question
from orchestration_assets.schemas.quick_records import replaced
from orchestration_assets.schemas.task_inputs import InputAnswer

Ask = Callable[[str, Question], Awaitable[AskResult]]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision while a plan runs, with the leading answer at that moment.

    ``coverage`` is the share of the content that a round read, ``gain`` how far it moved the
    answer from the round before, both in [0, 1] and None for other decisions.
    """

    action: str
    services: tuple[str, ...]
    reason: str
    answer: Answer | None = None
    certainty: float | None = None
    coverage: float | None = None
    gain: float | None = None


@dataclass(frozen=True, slots=True)
class PlanResult:
    """All answers of a plan, in the order of asking, and the decisions that led to them.

    Each answer says whether it is its service's final one, and whether the answer that stands
    rests on it. ``stands``: of a plan that was not carried out, what stands instead for the tasks
    after it; None where that is the answer of the readings. ``leading``: that answer, where whoever
    carried out the plan had to know it; it holds for these answers only.
    """

    answered: tuple[AskResult, ...]
    decisions: tuple[Decision, ...]
    stands: InputAnswer | None = None
    leading: Consensus | None = None


def settled(answered: Sequence[AskResult]) -> tuple[AskResult, ...]:
    """The answers of one model, marked: final is what a service answered last, and those decide
    that were shown to no other service that answered."""
    if _are_voices_of_their_own(answered) and not any(result.saw for result in answered):
        # nobody stands over another: that is so of most plans
        ok = [n for n, result in enumerate(answered) if result.reading.status is Status.OK]
        decides = ok or [n for n, result in enumerate(answered) if gave_answer(result)][:1]
        return tuple(
            replaced(result, final=True, decides=n in decides) for n, result in enumerate(answered)
        )
    finals = _finals(answered, ())
    votes = [(answered[n].service, answered[n].reading) for n in finals]
    roles = decisive(votes, {answered[n].service: answered[n].saw for n in finals})
    return marked(answered, [n for n in finals if answered[n].service in roles.decides])


def marked(answered: Sequence[AskResult], decides: Collection[int]) -> tuple[AskResult, ...]:
    """The answers with those at the positions ``decides`` as the ones that decide."""
    finals = set(_finals(answered, decides))
    return tuple(
        replaced(result, final=n in finals, decides=n in decides)
        for n, result in enumerate(answered)
    )


def joined(before: Sequence[AskResult], after: Iterable[AskResult]) -> tuple[AskResult, ...]:
    """Both, in order; a service that is asked again goes on counting its rounds."""
    rounds = {
        name: 1 + max(result.round for result in before if result.service == name)
        for name in {result.service for result in before}
    }
    later = [
        replaced(result, round=result.round + rounds.get(result.service, 0)) for result in after
    ]
    return (*before, *later)


def positions_of_decisive(answered: Sequence[AskResult]) -> list[int]:
    """Where the answers stand that decide."""
    return [n for n, result in enumerate(answered) if result.decides]


def gave_answer(result: AskResult) -> bool:
    """Whether the service, or a fallback of it, gave an answer."""
    return result.reading.status in ANSWERED


def roles_of(answered: Sequence[AskResult]) -> Roles:
    """The part that each service's final reading has in the answer."""
    finals = [result for result in answered if result.final]
    members = {result.service for result in finals if result.voice is not None}
    first = {result.service: result.reading for result in answered if result.voice}
    return Roles(
        frozenset(result.service for result in finals if result.decides),
        {result.service: result.saw for result in finals},
        {name: first.get(name) for name in sorted(members)},
        {result.service: result.follows for result in finals if result.follows},
    )


def lead(answered: Sequence[AskResult], question: Question) -> Consensus:
    """The answer so far: that of the readings that decide, as all final ones support it."""
    votes = [(result.service, result.reading) for result in answered if result.final]
    return standing(votes, roles_of(answered), question.task)


def split(answered: Sequence[AskResult], question: Question) -> tuple[str, ...]:
    """The services that contradict the answer so far among those that decide."""
    votes = [(result.service, result.reading) for result in answered if result.final]
    return consensus(deciding(votes, roles_of(answered)), question.task).dissenters


def stop(reason: str, leading: Consensus) -> Decision:
    """The decision to ask no more."""
    answered = leading.answer is not None
    return Decision("stop", (), reason, leading.answer, leading.certainty if answered else None)


def _finals(answered: Sequence[AskResult], decides: Collection[int]) -> list[int]:
    """Of each service that takes part: what decides, else its last answer, else its last try.

    A taught service and its teacher have one voice: the teacher's, where it answered; of several
    that it taught, the first.
    """
    if _are_voices_of_their_own(answered):
        return list(range(len(answered)))
    silent = _echoes(answered)
    best: dict[str, tuple[tuple[bool, bool, int], int]] = {}
    for n, result in enumerate(answered):
        if result.takes_part and n not in silent:
            rank = (n in decides, gave_answer(result), n)
            best[result.service] = max(best.get(result.service, (rank, n)), (rank, n))
    return sorted(n for _, n in best.values())


def _are_voices_of_their_own(answered: Sequence[AskResult]) -> bool:
    """Whether each answer is the only one of its service, takes part, and was learned from nobody:
    that is so of most plans, and saves comparing them."""
    return len({result.service for result in answered}) == len(answered) and all(
        result.takes_part and result.taught_by is None for result in answered
    )


def _echoes(answered: Sequence[AskResult]) -> set[int]:
    """Where the answers of taught services stand that repeat a voice which is heard already."""
    voices = {result.service for result in answered if result.takes_part and gave_answer(result)}
    echoes: set[int] = set()
    first: dict[str, str] = {}
    for n, result in enumerate(answered):
        teacher = result.taught_by
        if teacher is None or not gave_answer(result):
            continue
        if teacher in voices or first.setdefault(teacher, result.service) != result.service:
            echoes.add(n)
    return echoes
