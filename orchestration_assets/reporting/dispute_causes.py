"""Why services are in dispute: questions that share a cause, the causes worth reading first."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log2
from typing import Final

from orchestration_assets.evidence.contradiction.differences import DifferenceKind
from orchestration_assets.evidence.contradiction.relation import relation
from orchestration_assets.evidence.intervals import wilson
from orchestration_assets.reporting.disputed import QuestionKey
from orchestration_assets.reporting.formatting import ENOUGH, cut, plural
from orchestration_assets.schemas.enums import DisagreementKind
from orchestration_assets.schemas.record_answers import pattern_of
from orchestration_assets.schemas.tables import FieldDifference

Features = Mapping[str, Mapping[str, str]]
"""Item -> name of a feature -> its value."""

_OF_A_CAUSE: Final = 3
_MOST_OF_IT: Final = 0.5
_NOTABLE: Final = 0.1
_FEWEST: Final = 3
_ALIKE: Final = 0.4
_SAME_TASK: Final = 0.75
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class DisputedPair:
    """Two services in dispute about one question: what each answered, and what follows."""

    item_id: str
    path: str
    task: str
    kind: DisagreementKind
    service_a: str
    answer_a: str
    service_b: str
    answer_b: str
    severity: float
    sentence: str
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    fields: tuple[FieldDifference, ...] = ()

    @property
    def question(self) -> QuestionKey:
        """The question that the two are in dispute about."""
        return self.item_id, self.task


@dataclass(frozen=True, slots=True)
class CommonContent:
    """Content on which the cause is at home: ``disputed`` of the ``asked`` questions of the task
    about items where ``feature`` has ``value`` are disputed for it; elsewhere ``elsewhere`` of
    ``asked_elsewhere`` are."""

    feature: str
    value: str
    disputed: int
    asked: int
    elsewhere: int
    asked_elsewhere: int


@dataclass(frozen=True, slots=True)
class DisputeWay:
    """How two services differ on a task. Labels: what each says, None where that varies; other
    kinds of answer: ``words``."""

    task: str
    service_a: str
    service_b: str
    kind: DisagreementKind
    words: str = ""
    answer_a: str | None = None
    answer_b: str | None = None

    def sentence(self, pairs: Sequence[DisputedPair]) -> str:
        """The same in words, for the questions that share it."""
        if self.words:
            return self.words
        answers_a = self.answer_a or _several(pair.answer_a for pair in pairs)
        answers_b = self.answer_b or _several(pair.answer_b for pair in pairs)
        one, other = cut(answers_a, 60), cut(answers_b, 60)
        return f"{self.service_a} says {one}, {self.service_b} says {other}"


@dataclass(frozen=True, slots=True)
class DisputeCause:
    """Questions of one task on which the same two services differ in the same way.

    ``pairs``: one a question, the most severe first; ``explanation``: what their content has in
    common, where that tells.
    """

    way: DisputeWay
    pairs: tuple[DisputedPair, ...]
    explanation: CommonContent | None

    @property
    def task(self) -> str:
        """The task that the questions belong to."""
        return self.way.task

    @property
    def sentence(self) -> str:
        """How the two services differ, in words."""
        return self.way.sentence(self.pairs)


class TaskFeatures:
    """How many of the items that a task was asked about have each value of each feature."""

    def __init__(self, asked: Iterable[str], features: Features) -> None:
        self._features = features
        self._of_value: Counter[tuple[str, str]] = Counter()
        self._of_feature: Counter[str] = Counter()
        for item in asked:
            for name, value in features.get(item, {}).items():
                self._of_value[name, value] += 1
                self._of_feature[name] += 1

    def explanation(self, disputed: Collection[str]) -> CommonContent | None:
        """What most of the items in ``disputed`` have in common and others have not, or None.

        It holds for at least half of them, for three at least, and for at least
        :data:`ENOUGH` items of the task, of which a tenth at least is disputed; the 95 % interval
        of that share lies above that of the share elsewhere.
        """
        parts = Counter(pair for item in disputed for pair in self._features.get(item, {}).items())
        # items of which a feature is not known, as the language of "ok", are on neither side
        known = Counter(name for item in disputed for name in self._features.get(item, ()))
        found = [
            CommonContent(name, value, part, whole, known[name] - part, elsewhere)
            for (name, value), part in parts.items()
            if (whole := self._of_value[name, value]) >= ENOUGH
            and part >= max(_FEWEST, _MOST_OF_IT * len(disputed), _NOTABLE * whole)
            and (elsewhere := self._of_feature[name] - whole) > 0
        ]
        telling = [
            one
            for one in found
            if wilson(one.disputed, one.asked)[0] > wilson(one.elsewhere, one.asked_elsewhere)[1]
        ]
        return min(
            telling,
            key=lambda one: (-(one.disputed**2) / one.asked, one.feature, one.value),
            default=None,
        )


def causes(
    pairs: Iterable[DisputedPair], tasks: Mapping[str, TaskFeatures]
) -> tuple[DisputeCause, ...]:
    """Every cause, the widest first; a question on which several pairs differ has several.

    Labels: where one service says the same and the other one of several labels about content that
    has something in common (see :meth:`TaskFeatures.explanation`), that is one cause.
    """
    grouped: defaultdict[DisputeWay, list[DisputedPair]] = defaultdict(list)
    for pair in pairs:
        grouped[_way(pair)].append(pair)
    _join_labels(grouped, tasks)
    found = [
        _cause(way, sorted(own, key=lambda one: (-one.severity, one.path, one.item_id)), tasks)
        for way, own in grouped.items()
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.pairs), one.task, one.sentence)))


def _cause(
    way: DisputeWay, pairs: Sequence[DisputedPair], tasks: Mapping[str, TaskFeatures]
) -> DisputeCause:
    items = {pair.item_id for pair in pairs}
    return DisputeCause(way, tuple(pairs), tasks[way.task].explanation(items))


def _join_labels(
    grouped: "defaultdict[DisputeWay, list[DisputedPair]]", tasks: Mapping[str, TaskFeatures]
) -> None:
    """Joins ways of which one side says the same, where the content has something in common."""
    joined: defaultdict[DisputeWay, list[DisputeWay]] = defaultdict(list)
    for way in grouped:
        if way.answer_a is not None and way.answer_b is not None:
            joined[replace(way, answer_b=None)].append(way)
            joined[replace(way, answer_a=None)].append(way)
    widest = sorted(
        joined.items(), key=lambda one: -sum(len(grouped.get(way, ())) for way in one[1])
    )
    for way, members in widest:
        left = [member for member in members if member in grouped]
        own = [pair for member in left for pair in grouped[member]]
        if len(left) < 2 or tasks[way.task].explanation({one.item_id for one in own}) is None:
            continue
        for member in left:
            del grouped[member]
        grouped[way] = own


@dataclass(frozen=True, slots=True)
class ChosenCause:
    """A cause worth reading, and the questions that stand for it."""

    cause: DisputeCause
    representatives: tuple[DisputedPair, ...]


def worth_reading(
    found: Sequence[DisputeCause], tasks: Mapping[str, TaskFeatures], limit: int
) -> tuple[tuple[ChosenCause, ...], tuple[DisputeCause, ...]]:
    """The causes to read first, with at most ``limit`` questions that stand for them, and the
    causes of what is left.

    One by one: the question whose severity times the binary logarithm of one more than the
    questions that share its cause is greatest. What was chosen lessens what is like it: another
    question of the same cause counts 0.4 times, one of the same task 0.75 times. A question
    belongs to the first of its causes that is chosen.
    """
    left = dict(enumerate(found))
    chosen: dict[int, list[DisputedPair]] = {}
    of_task: Counter[str] = Counter()
    while sum(map(len, chosen.values())) < limit:
        best: tuple[float, int] | None = None
        for place, cause in left.items():
            own = chosen.get(place, [])
            if len(own) == min(_OF_A_CAUSE, len(cause.pairs)):
                continue
            most_severe = cause.pairs[len(own)].severity
            likeness = _ALIKE ** len(own) * _SAME_TASK ** of_task[cause.task]
            value = most_severe * log2(1 + len(cause.pairs)) * likeness
            if best is None or value > best[0]:
                best = value, place
        if best is None:
            break
        place = best[1]
        cause = left[place]
        if place not in chosen:
            left = _without(left, place, {*chosen, place}, tasks)
        own = chosen.setdefault(place, [])
        own.append(_typical([pair for pair in cause.pairs if pair not in own], own))
        of_task[cause.task] += 1
    first = tuple(ChosenCause(left[place], tuple(own)) for place, own in chosen.items())
    return first, tuple(cause for place, cause in left.items() if place not in chosen)


def _without(
    left: Mapping[int, DisputeCause],
    place: int,
    chosen: Collection[int],
    tasks: Mapping[str, TaskFeatures],
) -> dict[int, DisputeCause]:
    """The causes without the questions of the one at ``place``, but for those already chosen."""
    covered = {pair.question for pair in left[place].pairs}
    narrowed = {}
    for other, cause in left.items():
        pairs = cause.pairs
        if other not in chosen:
            pairs = tuple(pair for pair in pairs if pair.question not in covered)
        if pairs:
            narrowed[other] = cause if pairs == cause.pairs else _cause(cause.way, pairs, tasks)
    return narrowed


def _typical(free: Sequence[DisputedPair], own: Sequence[DisputedPair]) -> DisputedPair:
    """The most severe of those left; other answers than were shown already, where there are."""
    shown = {(pair.answer_a, pair.answer_b) for pair in own}
    return next((pair for pair in free if (pair.answer_a, pair.answer_b) not in shown), free[0])


def _several(answers: Iterable[str]) -> str:
    """The answers with their counts, the most frequent first: ``ruby 30, 4 other answers``."""
    counts = sorted(Counter(answers).items(), key=lambda one: (-one[1], one[0]))
    named = [f"{cut(answer, 24)} {count}" for answer, count in counts[:_NAMED]]
    rest = len(counts) - len(named)
    return ", ".join([*named, f"{rest} {plural(rest, 'other answer')}"] if rest else named)


def _way(pair: DisputedPair) -> DisputeWay:
    same = (pair.task, pair.service_a, pair.service_b, pair.kind)
    if pair.kind is DisagreementKind.LABEL_CONFLICT:
        return DisputeWay(*same, answer_a=pair.answer_a, answer_b=pair.answer_b)
    return DisputeWay(*same, words=_WORDS[pair.kind](pair))


def _texts(pair: DisputedPair) -> str:
    difference = relation(pair.answer_a, pair.answer_b).difference
    kind = difference.kind if difference else DifferenceKind.WORDING
    return f"{pair.service_a} and {pair.service_b} differ in {_DIFFERENCES[kind]}"


def _scores(pair: DisputedPair) -> str:
    higher, lower = pair.service_a, pair.service_b
    if _number(pair.answer_a) < _number(pair.answer_b):
        higher, lower = lower, higher
    return f"{higher} scores higher than {lower}"


def _sets(pair: DisputedPair) -> str:
    if pair.only_a and pair.only_b:
        return f"{pair.service_a} and {pair.service_b} each name what the other leaves out"
    more, fewer = pair.service_a, pair.service_b
    if pair.only_b:
        more, fewer = fewer, more
    return f"{more} names what {fewer} leaves out"


def _vectors(pair: DisputedPair) -> str:
    return f"{pair.service_a} and {pair.service_b} see other neighbours"


def _contradicted_fields(pair: DisputedPair) -> str:
    named = _patterns(one.path for one in pair.fields if one.contradicts)
    return f"{pair.service_a} and {pair.service_b} contradict each other in {named}"


def _missing_fields(pair: DisputedPair) -> str:
    more, fewer, lacking = pair.service_a, pair.service_b, pair.only_a
    if len(pair.only_b) > len(pair.only_a):
        more, fewer, lacking = fewer, more, pair.only_b
    return f"{more} gives {_patterns(lacking)}, which {fewer} leaves out"


def _patterns(paths: Iterable[str]) -> str:
    """The fields of the values, each once, the first few by name."""
    fields = list(dict.fromkeys(map(pattern_of, paths)))
    more = len(fields) - _NAMED
    named = ", ".join(fields[:_NAMED])
    return f"{named} and {more} more" if more > 0 else named


def _number(answer: str) -> float:
    try:
        return float(answer)
    except ValueError:
        return 0.0


_WORDS: Final[Mapping[DisagreementKind, Callable[[DisputedPair], str]]] = {
    DisagreementKind.TEXT_DIVERGENCE: _texts,
    DisagreementKind.SCORE_GAP: _scores,
    DisagreementKind.SET_MISMATCH: _sets,
    DisagreementKind.NEIGHBOURHOOD_SHIFT: _vectors,
    DisagreementKind.FIELD_CONFLICT: _contradicted_fields,
    DisagreementKind.FIELD_MISSING: _missing_fields,
}
_DIFFERENCES: Final[Mapping[DifferenceKind, str]] = {
    DifferenceKind.NAME: "a name",
    DifferenceKind.DATE: "a date",
    DifferenceKind.AMOUNT: "an amount",
    DifferenceKind.UNIT: "a unit",
    DifferenceKind.NEGATION: "what is denied",
    DifferenceKind.POLARITY: "a word and its opposite",
    DifferenceKind.ROLE: "who does what",
    DifferenceKind.CAUSE: "the cause",
    DifferenceKind.EXTENT: "the extent",
    DifferenceKind.WORDING: "what they speak of",
}
