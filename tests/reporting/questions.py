"""Synthetic questions: tasks of every kind of answer, processed by all four models."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any, Final

from orchestration_assets.disagreement.resolution import triage
from orchestration_assets.schemas import tables as t
from orchestration_assets.schemas.answers import Answer, answer_columns, answer_of, shown
from orchestration_assets.schemas.enums import (
    AnswerKind,
    Consequence,
    DisagreementKind,
    ProcessingModel,
    ResolutionPolicy,
    ResolutionStatus,
    Status,
)
from orchestration_assets.schemas.policy import Review

Rows = Iterator[tuple[str, Any]]


@dataclass(frozen=True)
class Asked:
    """The item that is asked about."""

    batch: str
    item: str
    path: str
    family: str
    size: int
    odd: bool
    policy: str


@dataclass(frozen=True)
class Service:
    """How a made-up service behaves."""

    skill: float
    ms: float
    words: str
    quiet: float = 0.0
    usd: float = 0.0


SERVICES: Final = {
    "file_name": Service(0.97, 0.03, "extension and folder of the path", quiet=0.09),
    "markers": Service(0.9, 0.4, "9 of 12 lines begin like this family; two blocks are fenced"),
    "magika": Service(0.975, 5.5, "model score over 214 content types"),
    "lexicon": Service(0.78, 0.2, "hits: great (2), smooth, however (1), poor (1)", quiet=0.22),
    "naive_bayes": Service(0.86, 0.9, "log odds +1.8 from 'works', 'again', 'thanks'"),
    "embedding_knn": Service(0.83, 21.0, "7 of 9 nearest neighbours carry this label", usd=0.00012),
    "rake": Service(0.6, 1.2, "phrases between stop words, by degree over frequency"),
    "tfidf_terms": Service(0.7, 2.4, "rare in this source and frequent here"),
    "referee": Service(0.95, 140.0, "was shown both lists and kept what the text supports",
                       usd=0.0021),
    "lead": Service(0.6, 0.1, "the first heading, or the first sentence cut"),
    "central_sentence": Service(0.7, 3.1, "sentence with the highest mean similarity"),
    "formula": Service(0.6, 0.3, "Flesch reading ease, scaled"),
    "neighbours": Service(0.7, 6.0, "mean of the 9 nearest rated items"),
    "rater": Service(0.9, 88.0, "saw both scores and the text", usd=0.0009),
    "hashed_words": Service(0.7, 0.8, "signed hashing of words and pairs"),
    "topic_space": Service(0.7, 2.2, "100 topics fitted on this source"),
}  # fmt: skip
_CONSEQUENCES: Final = {
    DisagreementKind.LABEL_CONFLICT: Consequence.OTHER_LABEL,
    DisagreementKind.TEXT_DIVERGENCE: Consequence.CONTRADICTION,
    DisagreementKind.SCORE_GAP: Consequence.OTHER_BAND,
    DisagreementKind.SET_MISMATCH: Consequence.MISSING_MEMBERS,
    DisagreementKind.NEIGHBOURHOOD_SHIFT: Consequence.OTHER_NEIGHBOURS,
}
_TOPICS = (
    *("routing", "sessions", "billing", "tax", "retry", "caching", "parsing", "survey", "layout"),
    *("release notes", "keyboard", "invoices", "time zones", "encoding", "backups", "search"),
)
_NOUNS = ("Session", "Router", "Billing", "Survey", "Parser", "Cache", "Backup", "Invoice")
_VERBS = ("expires", "restarts", "scales", "is measured", "fails over", "moves", "is explained")
_ENDS = ("under load", "in the field", "for beginners", "without downtime", "step by step", "")
_TRUE_LABELS: Final = {
    "content_type": ("code", "prose", "markup", "data"),
    "tone": ("positive", "neutral", "negative"),
}


@dataclass(frozen=True)
class _Task:
    kind: AnswerKind
    services: tuple[str, ...]
    disagree_at: float
    conflict: DisagreementKind


TASKS: Final = {
    "content_type": _Task(
        AnswerKind.LABEL, ("file_name", "markers", "magika"), 1.0, DisagreementKind.LABEL_CONFLICT
    ),
    "tone": _Task(
        AnswerKind.LABEL, ("lexicon", "naive_bayes"), 1.0, DisagreementKind.LABEL_CONFLICT
    ),
    "topics": _Task(
        AnswerKind.SET, ("rake", "tfidf_terms"), 0.7, DisagreementKind.SET_MISMATCH
    ),
    "title": _Task(
        AnswerKind.TEXT, ("lead", "central_sentence"), 0.6, DisagreementKind.TEXT_DIVERGENCE
    ),
    "clarity": _Task(
        AnswerKind.SCORE, ("formula", "neighbours"), 0.3, DisagreementKind.SCORE_GAP
    ),
    "meaning": _Task(
        AnswerKind.VECTOR,
        ("hashed_words", "topic_space"),
        0.75,
        DisagreementKind.NEIGHBOURHOOD_SHIFT,
    ),
}  # fmt: skip


def tasks_of(family: str) -> tuple[str, ...]:
    """The tasks that apply to items of the family."""
    if family in ("prose", "markup"):
        return tuple(TASKS)
    own = ("content_type", "title", "clarity", "meaning")
    return own if family == "code" else ("content_type", "clarity", "meaning")


class _Question:
    """One question while it is asked: rows gather, readings are remembered."""

    def __init__(self, rng: random.Random, about: Asked, name: str, start: datetime) -> None:
        self.rng, self.about, self.name, self.start = rng, about, name, start
        self.task = TASKS[name]
        self.rows: list[tuple[str, Any]] = []
        self.readings: list[t.InterpretationRow] = []
        self.decisions = 0
        self.truth = self._truth()

    def _truth(self) -> Any:
        rng = self.rng
        if self.name == "content_type":
            return self.about.family
        if self.task.kind is AnswerKind.LABEL:
            return rng.choices(_TRUE_LABELS[self.name], (30, 52, 18))[0]
        if self.task.kind is AnswerKind.SET:
            return tuple(rng.sample(_TOPICS, 4))
        if self.task.kind is AnswerKind.TEXT:
            return f"{rng.choice(_NOUNS)} {rng.choice(_VERBS)} {rng.choice(_ENDS)}".strip()
        return rng.betavariate(4, 3)

    def _answer(self, service: str) -> tuple[Answer, float]:
        rng, right = self.rng, self.rng.random() < SERVICES[service].skill
        sure = min(0.999, rng.betavariate(14, 2) if right else rng.betavariate(6, 3))
        kind, truth = self.task.kind, self.truth
        if kind is AnswerKind.LABEL:
            others = [label for label in _TRUE_LABELS[self.name] if label != truth]
            if service == "file_name" and right:
                sure = 0.97
            return (truth if right else rng.choice(others)), sure
        if kind is AnswerKind.SET:
            kept = [topic for topic in truth if rng.random() < (0.9 if right else 0.4)]
            added = rng.sample(_TOPICS, rng.randint(0, 1) if right else 2)
            return tuple(dict.fromkeys([*kept, *added])) or (truth[0],), sure
        if kind is AnswerKind.TEXT:
            said = truth if right else f"{rng.choice(_NOUNS)} {truth.split(' ', 1)[1]}"
            return (f"How the {said.lower()}" if service == "lead" else said), sure
        if kind is AnswerKind.SCORE:
            shift = 0.06 if service == "formula" else -0.02
            spread = 0.05 if right else 0.25
            return min(1.0, max(0.0, truth + rng.gauss(shift, spread))), sure
        size = 24 if service == "hashed_words" else 16
        return tuple(round(rng.gauss(0, 1), 3) for _ in range(size)), sure

    def call(self, service: str, round_: int = 0) -> t.InterpretationRow:
        """Asks one service; the row and its attempts are kept."""
        rng, about, made = self.rng, self.about, SERVICES[service]
        quiet = made.quiet + (0.6 if about.odd and service == "file_name" else 0.0)
        draw = rng.random()
        status = Status.ABSTAINED if draw < quiet else Status.OK
        if draw > 0.997:
            status = Status.TIMEOUT if made.ms > 5 else Status.FAILED
        answer, sure = self._answer(service)
        ok = status is Status.OK
        why = "nothing in the lexicon occurs" if service == "lexicon" else status.value
        step = len(self.readings)
        reading = t.InterpretationRow(
            *(about.batch, about.item, f"c{about.item}", self.name, service, "1.2"),
            *(step, round_, True, True, (), status),
            **answer_columns(answer if ok else None),
            confidence=sure if ok else None,
            alternatives=(),
            evidence=made.words if ok else None,
            reason=None if ok else why,
            answer_key=f"k{about.item}{self.name}{service}{round_}",
        )
        self.readings = [
            replace(one, final=False) if one.service == service else one for one in self.readings
        ] + [reading]
        cached = rng.random() < 0.35
        key = (about.batch, about.item, self.name, service, step, round_)
        # a few calls need a second attempt
        for attempt in range(1, 2 + (not cached and made.usd > 0 and rng.random() < 0.03)):
            self.rows.append((
                "call_log",
                t.CallRow(
                    *key,
                    attempt,
                    origin="cache" if cached else "called",
                    called=service,
                    status=status,
                    reason=None,
                    cost_usd=0.0 if cached else made.usd,
                    tokens_estimated=None,
                    tokens_in=None,
                    tokens_out=None,
                    started_at=self.start
                    + timedelta(milliseconds=1.7 * int(about.item, 16) + step),
                    elapsed_ms=0.005 if cached else made.ms * rng.lognormvariate(0, 0.5),
                    first_token_ms=None,
                    content_share=None,
                    left_out=None,
                    redacted=(),
                    injection_markers=0,
                ),
            ))  # fmt: skip
        return reading

    def decide(
        self,
        action: str,
        services: tuple[str, ...],
        reason: str,
        coverage: float | None = None,
        gain: float | None = None,
        leading: t.InterpretationRow | None = None,
    ) -> None:
        """Writes down one decision with what leads so far."""
        if leading is None:
            leading = max(self.votes(), key=lambda one: one.confidence or 0.0, default=None)
        self.rows.append((
            "decision_log",
            t.DecisionRow(
                *(self.about.batch, self.about.item, self.name, self.decisions, action),
                *(services, reason),
                leading.answer if leading else None,
                leading.confidence if leading else None,
                coverage,
                gain,
            ),
        ))  # fmt: skip
        self.decisions += 1

    def votes(self) -> list[t.InterpretationRow]:
        """The readings that take part."""
        return [one for one in self.readings if one.final and one.status is Status.OK]

    def plan(
        self,
        model: ProcessingModel,
        option: str,
        services: tuple[str, ...],
        why: str,
        calls: tuple[int, int],
        stop_at: float | None = None,
    ) -> None:
        """Writes down the plan."""
        about = self.about
        has_extension = t.FeatureInput("has_extension", str(not about.odd).lower())
        self.rows.append((
            "processing_plans",
            t.PlanRow(
                *(about.batch, about.item, f"c{about.item}", about.path, self.name),
                *(self.task.kind, model, option, services, stop_at),
                *("default" if option == "default" else "rules",),
                *(None if option == "default" else option, (has_extension,), why, *calls),
                sum(SERVICES[service].ms for service in services) * calls[1] / len(services),
                sum(SERVICES[service].usd for service in services),
                (),
                about.policy,
            ),
        ))  # fmt: skip

    def distance(self, a: t.InterpretationRow, b: t.InterpretationRow) -> float:
        """How far two answers lie apart."""
        kind = self.task.kind
        if kind is AnswerKind.SCORE:
            assert a.answer_score is not None and b.answer_score is not None
            return abs(a.answer_score - b.answer_score)
        if kind is AnswerKind.VECTOR:
            seed = f"{self.about.item}{sorted((a.service, b.service))}"
            return random.Random(seed).betavariate(5, 4)
        if kind is AnswerKind.LABEL:
            return float(a.answer != b.answer)
        return 1 - len(_parts(a) & _parts(b)) / max(1, len(_parts(a) | _parts(b)))


def _parts(reading: t.InterpretationRow) -> set[str]:
    if reading.answer_set is not None:
        return set(reading.answer_set)
    return set((reading.answer or "").lower().split())


def ask(rng: random.Random, about: Asked, task: str, start: datetime) -> Rows:
    """Every row that one question leaves in the tables."""
    question = _Question(rng, about, task, start)
    {
        "content_type": _sequence_or_all,
        "tone": _all_then_escalate,
        "topics": _all_then_judge,
        "title": _rounds,
        "clarity": _waves,
        "meaning": _all,
    }[task](question)
    yield from question.rows
    yield from (("interpretations", reading) for reading in question.readings)
    yield from _resolved(question)


def _sequence_or_all(q: _Question) -> None:
    services = q.task.services
    if q.about.odd:
        why = "without an extension the name says little: ask all services at once"
        q.plan(ProcessingModel.PARALLEL, "no_extension", services, why, (3, 3))
        q.decide("ask", services, "as planned")
        for service in services:
            q.call(service)
        q.decide("stop", (), "every service was asked")
        return
    why = "the name and the markers settle most files; ask the model only where they do not"
    q.plan(ProcessingModel.SEQUENTIAL, "default", services, why, (1, 3), stop_at=0.95)
    for service in services:
        q.decide("ask", (service,), "next in the plan")
        if (q.call(service).confidence or 0.0) >= 0.95:
            q.decide("stop", (), "0.97 reaches 0.95")
            return
    q.decide("stop", (), "every service was asked")


def _all(q: _Question) -> None:
    why = "vectors are compared by their neighbourhoods, so both are computed"
    q.plan(ProcessingModel.PARALLEL, "default", q.task.services, why, (2, 2))
    q.decide("ask", q.task.services, "as planned")
    for service in q.task.services:
        q.call(service)
    q.decide("stop", (), "every service was asked")


def _all_then_escalate(q: _Question) -> None:
    services = (*q.task.services, "embedding_knn")
    why = "tone is a matter of judgement: every voice is wanted"
    q.plan(ProcessingModel.PARALLEL, "voices", services, why, (2, 3))
    q.decide("ask", q.task.services, "as planned")
    for service in q.task.services:
        q.call(service)
    best = max((one.confidence or 0.0 for one in q.votes()), default=0.0)
    q.decide("stop", (), "every service was asked")
    if best < 0.85:
        q.decide("escalate", ("embedding_knn",), f"{best:.2f} stays below 0.85")
        q.call("embedding_knn")
        q.decide("stop", (), "escalation may have changed the answer")


def _all_then_judge(q: _Question) -> None:
    why = "two ways to find topics; a referee merges what they disagree on"
    q.plan(ProcessingModel.PARALLEL, "default", (*q.task.services, "referee"), why, (2, 3))
    q.decide("ask", q.task.services, "as planned")
    for service in q.task.services:
        q.call(service)
    votes = q.votes()
    if len(votes) == 2 and q.distance(*votes) >= q.task.disagree_at:
        q.decide("stop", (), "every service was asked")
        verdict = q.call("referee")
        q.decide("judge", ("referee",), "referee judges 2 readings", leading=verdict)
        return
    q.decide("stop", (), "every service was asked")


def _rounds(q: _Question) -> None:
    services = q.task.services
    why = "a title can often be seen from the first part: read on only while it changes"
    q.plan(ProcessingModel.ITERATIVE, "default", services, why, (2, 8))
    coverage = min(1.0, 4000 / q.about.size)
    gain: float | None = None
    for round_ in range(4):
        before = q.votes()
        truth, last = q.truth, coverage >= 1.0
        for service in services:
            if round_ and gain is not None and gain > 0.1:
                q.truth = truth
            q.call(service, round_)
        after = q.votes()
        if round_ and before and after:
            gain = q.distance(before[0], after[0])
        reason = "the first part" if not round_ else f"{gain or 0:.2f} moved, so twice as much"
        q.decide("round", services, reason, coverage, gain if round_ else None)
        if last:
            q.decide("stop", (), "the whole content was read", coverage)
            return
        if gain is not None and gain <= 0.4:
            q.decide("stop", (), f"settled: the round moved the answer by {gain:.2f}", coverage)
            return
        coverage = min(1.0, 2 * coverage)
    q.decide("stop", (), "the most rounds (4) were read", coverage / 2)


def _waves(q: _Question) -> None:
    services = ("magika", *q.task.services, "rater")
    label = q.about.family
    why = "how clearly it is written depends on what it is: a router decides who rates it"
    q.plan(ProcessingModel.HYBRID, "default", services, why, (2, 4))
    q.rows.append((
        "decision_log",
        t.DecisionRow(
            *(q.about.batch, q.about.item, q.name, 0, "route", ("magika",)),
            *(f"magika says {label}", label, 0.98, None, None),
        ),
    ))  # fmt: skip
    q.decisions = 1
    q.decide("wave", q.task.services, "nobody waits for these")
    for service in q.task.services:
        q.call(service)
    if label in ("prose", "markup") and q.votes():
        q.decide("wave", ("rater",), "waited for formula and neighbours")
        q.call("rater")
    q.decide("stop", (), "every wave was asked")


def _resolved(q: _Question) -> Rows:
    ok, about, kind = q.votes(), q.about, q.task.kind
    pairs = [(a, b, q.distance(a, b)) for a, b in combinations(ok, 2)]
    weigh = {one.service: (one.service in ("referee", "rater"), one.confidence or 0) for one in ok}
    stands = max(ok, key=lambda one: weigh[one.service], default=None)
    risk = 1 - (stands.confidence or 0.5) if stands else None
    silent = all(one.status is Status.ABSTAINED for one in q.readings)
    unanswered = ResolutionStatus.ABSTAINED if silent else ResolutionStatus.FAILED
    near = [
        one.service
        for one in ok
        if stands and (one is stands or q.distance(one, stands) < q.task.disagree_at)
    ]
    far = [one.service for one in ok if one.service not in near]
    spread = sum(gap for _, _, gap in pairs) / len(pairs) if pairs else 0.0
    answer = answer_of(stands) if stands else None
    yield (
        "resolutions",
        t.ResolutionRow(
            *(about.batch, about.item, f"c{about.item}", about.path, q.name),
            ResolutionStatus.RESOLVED if stands else unanswered,
            kind,
            **answer_columns(answer),
            error_risk=(risk_of := risk if kind is AnswerKind.LABEL else None),
            risk_basis=None if risk_of is None else "stated confidences, unchecked",
            triage=None if risk_of is None else triage(risk_of, Review()),
            policy=ResolutionPolicy.WEIGHT,
            spread=spread if stands and kind is not AnswerKind.VECTOR else None,
            supporters=tuple(near),
            dissenters=tuple(far),
            reason=f"{', '.join(near)} against {', '.join(far) or 'nobody'}"
            if stands
            else "no service gave an answer",
            readings=tuple(
                t.ReadingSummary(r.service, r.status, r.answer, r.confidence, r.confidence)
                for r in q.readings
                if r.final
            ),
        ),
    )
    for a, b, gap in pairs:
        if gap >= q.task.disagree_at:
            first, second = sorted((a, b), key=lambda one: one.service)
            yield "disagreements", disagreement(q, first, second, gap)


def disagreement(
    q: _Question, a: t.InterpretationRow, b: t.InterpretationRow, gap: float
) -> t.DisagreementRow:
    """The row of two readings that differ."""
    split = q.task.kind in (AnswerKind.SET, AnswerKind.TEXT)
    neighbours = q.task.kind is AnswerKind.VECTOR
    only_a = tuple(sorted(_parts(a) - _parts(b))) if split else ()
    only_b = tuple(sorted(_parts(b) - _parts(a))) if split else ()
    if neighbours:
        near = int(q.about.item, 16)
        only_a, only_b = (f"{abs(near - 3):016x}",), (f"{abs(near - 5):016x}",)
    # one difference in five changes nothing that anybody would do
    alike = (int(q.about.item, 16) + len(a.service)) % 5 == 0
    return t.DisagreementRow(
        *(q.about.batch, q.about.item, f"c{q.about.item}", q.about.path, q.name),
        *(a.service, shown(a.answer) or "", a.confidence),
        *(b.service, shown(b.answer) or "", b.confidence),
        q.task.conflict,
        distance=gap,
        consequence=Consequence.NONE if alike else _CONSEQUENCES[q.task.conflict],
        sentence=f"{a.service} and {b.service} differ by {gap:.2f}",
        severity=0.0 if alike else gap * (a.confidence or 0.0) * (b.confidence or 0.0),
        only_a=only_a,
        only_b=only_b,
        evidence=f"{a.service}: {a.evidence}; {b.service}: {b.evidence}",
        basis=f"disagree_at {q.task.disagree_at:g}",
    )
