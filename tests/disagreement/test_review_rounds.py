"""Answers of several sheets: each counts in the round that asked for it, and none leaves the rest.

Small corpora of known truth are queued and answered many times over; the estimated share of right
answers must be the true one on average.
"""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from orchestration_assets.disagreement.review import QuestionFacts, review_queue
from orchestration_assets.disagreement.review_files import as_csv
from orchestration_assets.evidence.verdict_weights import (
    is_answer_to,
    sheet_name,
    sheets_of,
    verdict_weights,
)
from orchestration_assets.schemas.enums import (
    AnswerKind,
    ResolutionPolicy,
    ResolutionStatus,
    Triage,
)
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import RESOLUTIONS, REVIEW_QUEUE, ResolutionRow
from orchestration_assets.schemas.verdicts import GoldRow, PastVerdict

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS = 300
CORPORA = 40


class Corpus:
    def __init__(self, seed: int, batch: str = "b", risks=None) -> None:
        self.rng = np.random.default_rng(seed)
        self.batch = batch
        self.risks = self.rng.beta(0.6, 3.5, ITEMS) if risks is None else risks
        self.right = self.rng.random(ITEMS) > self.risks
        self.contents = [f"{batch}{seed:07d}{n:024d}" for n in range(ITEMS)]

    @property
    def resolutions(self) -> list[ResolutionRow]:
        return [
            resolution(self.batch, c, float(r))
            for c, r in zip(self.contents, self.risks, strict=True)
        ]

    def queue(self, gold, before=(), size=100):
        answered = {(row.content_hash, "t") for row in gold}
        now, sheets = max((row.round for row in before), default=1), sheets_of(gold)
        elsewhere = {key for key in answered if not is_answer_to(self.batch, now, sheets[key])}
        return review_queue(
            rows_to_arrow(RESOLUTIONS, self.resolutions),
            QuestionFacts(),
            {},
            {},
            answered,
            size,
            0.2,
            before,
            answered,
            elsewhere,
        )

    def error(self, gold, queued) -> float:
        """The estimated share of right answers, less the true one."""
        weights = verdict_weights(gold, queued)["t"].weights
        truth = dict(zip(self.contents, self.right, strict=True))
        hits = sum(weight * truth[content] for content, weight in weights.items())
        return hits / sum(weights.values()) - float(self.right.mean())


def resolution(batch: str, content: str, risk: float) -> ResolutionRow:
    band = Triage.ACCEPT if risk < 0.1 else Triage.REJECT if risk > 0.6 else Triage.REVIEW
    return ResolutionRow(
        batch=batch,
        item_id=f"item of {content}",
        content_hash=content,
        path="",
        task="t",
        status=ResolutionStatus.RESOLVED,
        kind=AnswerKind.LABEL,
        answer="a",
        answer_set=None,
        answer_score=None,
        answer_vector=None,
        answer_record=None,
        error_risk=risk,
        risk_basis="",
        triage=band,
        policy=ResolutionPolicy.WEIGHT,
        spread=None,
        supporters=(content,),
        dissenters=(),
        reason="",
        readings=(),
    )


def said(content: str, *sheets: str | None) -> GoldRow:
    past = (PastVerdict("a", AnswerKind.LABEL, "kim", WHEN, content, "f", 1, s) for s in sheets)
    return GoldRow(
        item_id=f"item of {content}",
        path="",
        content_hash=content,
        task="t",
        kind=AnswerKind.LABEL,
        answer="a",
        answer_set=None,
        answer_score=None,
        who="kim",
        said_at=WHEN,
        file="f",
        line=1,
        dissenters=(),
        history=tuple(past),
    )


def sheet(queued) -> list[GoldRow]:
    """The open questions, answered."""
    return [
        said(row.content_hash, sheet_name(row.batch, row.round))
        for row in queued
        if row.probability is None
    ]


def judged_before(corpus: Corpus):
    riskiest = np.argsort(-corpus.risks)[:90]
    old = [said(corpus.contents[n], None) for n in riskiest]
    queued = corpus.queue(old)
    return [*old, *sheet(queued)], queued


def beyond_the_prefix(corpus: Corpus):
    first = corpus.queue([], size=200)
    answers = sheet(first)
    old = [*answers[:40], *(one for one in answers[120:] if corpus.rng.random() < 0.15)]
    second = corpus.queue(old, first)
    return [*old, *sheet(second)[:60]], second


def finished_late(corpus: Corpus):
    first = corpus.queue([], size=200)
    answers = sheet(first)
    return answers[:120], corpus.queue(answers[:40], first, size=200)


def redrawn_by_other_risks(corpus: Corpus):
    known = corpus.risks
    corpus.risks = np.clip(0.5 * known + 0.5 * corpus.rng.permutation(known), 0.001, 1.0)
    first = corpus.queue([])
    corpus.risks = known
    return sheet(first), corpus.queue([], first)


@pytest.mark.parametrize(
    "way", [judged_before, beyond_the_prefix, finished_late, redrawn_by_other_risks]
)
def test_estimates_are_of_the_whole_whenever_verdicts_come_in(way) -> None:
    errors = []
    for seed in range(CORPORA):
        corpus = Corpus(seed)
        errors.append(corpus.error(*way(corpus)))
    assert abs(np.mean(errors)) < 3.0 * np.std(errors) / CORPORA**0.5 + 0.003


def test_what_was_judged_before_the_draw_stands_for_itself() -> None:
    corpus = Corpus(1)
    gold, queued = judged_before(corpus)
    found = verdict_weights(gold, queued)["t"]
    assert (found.beforehand, found.sampled, found.outside) == (90, 100, 0)
    assert {found.weights[row.content_hash] for row in gold[:90]} == {1.0}
    assert sum(found.weights.values()) == pytest.approx(ITEMS, rel=0.25)
    assert "90 verdicts from before the questions were drawn, each for itself" in found.basis
    assert rows_to_arrow(REVIEW_QUEUE, queued).num_rows == 190


def test_where_all_was_judged_before_the_draw_nothing_is_left_to_estimate() -> None:
    corpus = Corpus(2)
    gold = [said(content, None) for content in corpus.contents]
    found = verdict_weights(gold, corpus.queue(gold))["t"]
    assert set(found.weights.values()) == {1.0} and len(found.weights) == ITEMS
    assert corpus.queue(gold, size=0) == []


def test_a_queue_that_is_drawn_again_from_the_same_is_the_same() -> None:
    corpus = Corpus(3)
    first = corpus.queue([])
    assert corpus.queue([], first) == first
    gold = sheet(first)[:30]
    second = corpus.queue(gold, first)
    assert corpus.queue(gold, second) == second
    late = [*gold, *sheet(first)[30:50]]
    third = corpus.queue(late, second)
    assert corpus.queue(late, third) == third
    numbers = [row.round for row in third if row.probability is None]
    assert set(numbers) == {3}
    assert all(b >= a for a, b in pairwise(row.round for row in third))


def test_the_sheet_says_in_which_round_its_questions_were_asked() -> None:
    corpus = Corpus(4)
    queued = corpus.queue([])
    lines = list(csv.DictReader(io.StringIO(as_csv(queued, {}).decode("utf-8-sig"))))
    assert len(lines) == len(queued)
    assert {line["asked_in"] for line in lines} == {"b/1"}


def test_verdicts_that_were_chosen_by_risk_are_not_weighed() -> None:
    corpus = Corpus(5)
    queued = corpus.queue([], size=200)
    risks = {row.content_hash: row.error_risk for row in queued}
    by_risk = sorted(sheet(queued), key=lambda row: -risks[row.content_hash])
    found = verdict_weights(by_risk[:80], queued)["t"]
    assert not found.weights
    assert "80 verdicts are not counted" in found.basis and "too skewed" in found.basis
    # the same number from the top of the sheet
    assert len(verdict_weights(sheet(queued)[:80], queued)["t"].weights) == 80
    # whoever answers a band more willingly than another chooses within none
    willing = {"accept": 0.9, "review": 0.5, "reject": 0.7}
    of_band = {row.content_hash: willing[str(row.triage)] for row in queued}
    some = [row for row in sheet(queued) if corpus.rng.random() < of_band[row.content_hash]]
    assert verdict_weights(some, queued)["t"].skewed == 0


def test_of_rows_that_were_asked_in_vain_the_late_answer_is_weighed() -> None:
    corpus = Corpus(6)
    first = corpus.queue([], size=100)
    answers = sheet(first)
    second = corpus.queue(answers[:20], first, size=100)
    kept = [row for row in second if row.probability == 0.0]
    assert {row.content_hash for row in kept} == {row.content_hash for row in answers[20:]}
    late = verdict_weights(answers, second)["t"]
    at_once = verdict_weights(answers, first)["t"]
    assert late.weights == pytest.approx(at_once.weights)
    # a verdict on no sheet is not known to answer a round that is over
    unknown = [replace(row, history=()) for row in answers[20:]]
    asked = {row.content_hash for row in second if row.probability is None}
    counted = verdict_weights([*answers[:20], *unknown], second)["t"].weights
    assert set(counted) <= asked | {row.content_hash for row in answers[:20]}


def test_an_answered_queue_speaks_for_no_other_batch() -> None:
    easy, hard = Corpus(7, "b1"), Corpus(7, "b2")
    queues = [easy.queue([]), hard.queue([])]
    found = verdict_weights(sheet(queues[0]), [*queues[0], *queues[1]])["t"]
    spoken = "they speak of 1 of 2 batches, 50% of the questions: nothing is answered of b2"
    assert len(found.weights) == 100 and spoken in found.basis
    more = Corpus(7, "b3").queue([])
    few = verdict_weights(sheet(queues[0]), [*queues[0], *queues[1], *more])["t"]
    assert not few.weights
    assert "not counted: they speak of 1 of 3 batches, 33% of the questions" in few.basis
    both = verdict_weights([*sheet(queues[0]), *sheet(queues[1])], [*queues[0], *queues[1]])["t"]
    assert "batches" not in both.basis and len(both.weights) == 200
