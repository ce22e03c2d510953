"""The pages of the review queue and of the services: what they show, and that nothing escapes."""

from dataclasses import replace

import pyarrow as pa
import pytest

from orchestration_assets.disagreement.review_contents import QuestionContent
from orchestration_assets.reporting.disputes import questions_for_people
from orchestration_assets.reporting.page import render_review, render_services
from orchestration_assets.reporting.scorecard_figures import drift_means, learning_figures
from orchestration_assets.schemas.disagreement import (
    CALIBRATION,
    REVIEW_QUEUE,
    SERVICE_SCORECARDS,
    VECTOR_THRESHOLDS,
    CalibrationRow,
    CurvePoint,
    FamilyAccuracy,
    QueuedReading,
    ReviewRow,
    ScorecardRow,
    VectorThresholdRow,
)
from orchestration_assets.schemas.enums import AnswerKind, Triage
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.selection import SELECTION_FRONTIER, FrontierRow
from orchestration_assets.text.content_excerpts import ContentExcerpt, ExcerptPiece

HOSTILE = '<script>alert("x")</script>'
CARD = ScorecardRow(
    task="mood",
    service=HOSTILE,
    answered=90,
    abstained=7,
    failed=3,
    reliability=0.05,
    accuracy=0.4,
    accuracy_low=0.3,
    accuracy_high=0.5,
    judged=50,
    effective=41.0,
    set_aside=0,
    clone_of=None,
    broken=True,
    dissents=0.5,
    cost_usd=1.5,
    mean_ms=20.0,
    without_cost=-0.38,
    without_accuracy=-0.003,
    without_accuracy_low=-0.01,
    without_accuracy_high=0.004,
    without_changed=0.02,
    verdict="without it: cost -38 %, accuracy -0.3 points",
    families=(
        FamilyAccuracy("code", 0.875, 0.8, 0.93, 40, 36.0),
        FamilyAccuracy(HOSTILE, 0.5, None, None, 10, 9.0),
    ),
)
CALIBRATED = CalibrationRow(
    task="mood",
    version="0123456789abcdef",
    services=("a", "b"),
    service_versions=("1", "1"),
    items=500,
    gold=200,
    effective=120.0,
    held_out=60,
    basis="200 verdicts of the review queue, each weighed by its chance",
    set_aside=0,
    promoted=True,
    reason="promoted: on 60 held-out verdicts the Brier score is 0.08, 0.12 for what is in use",
    brier=0.08,
    brier_low=0.06,
    brier_high=0.1,
    brier_before=0.12,
    ece=0.021,
    brier_change=-0.04,
    brier_change_low=-0.06,
    brier_change_high=-0.02,
    risk_gap=0.01,
    risk_gap_low=-0.02,
    risk_gap_high=0.04,
    accuracy=0.9,
    accuracy_low=0.84,
    accuracy_high=0.95,
    best_single="a",
    best_single_accuracy=0.88,
    best_single_low=0.8,
    best_single_high=0.93,
    coverage_risk=(CurvePoint(0.5, 0.01), CurvePoint(1.0, 0.1)),
)
RESOLVED = pa.table(
    {
        "item_id": ["i1", "i2", "i1"],
        "task": ["mood", "mood", "title"],
        "error_risk": [0.1, 0.5, None],
        "triage": ["accept", "reject", None],
    }
)
# one of the two that differ has no consequence
DIFFERENT = pa.table(
    {
        "item_id": ["i1", "i2"],
        "task": ["mood", "mood"],
        "consequence": ["none", "other_label"],
    }
)
BATCHES = [(batch, drift_means(RESOLVED, DIFFERENT)) for batch in ("b1", "b2")]


def services_page(**tables) -> str:
    given = {
        "cards": rows_to_arrow(SERVICE_SCORECARDS, [CARD]),
        "calibrations": rows_to_arrow(CALIBRATION, [CALIBRATED]),
        "batches": BATCHES,
    }
    return render_services(learning_figures(**(given | tables)))


def test_the_page_of_the_services_says_what_each_is_worth() -> None:
    page = services_page()
    assert "without it: cost -38 %, accuracy -0.3 points" in page
    assert "1</data> repeats another or is broken" in page
    assert "in use: 0123456789abcdef" in page
    assert "expected calibration error 0.021" in page
    assert page.count("<polyline") == 4
    assert "88%</data> (80% to 93%)" in page
    assert "10 judged, too few to tell" in page
    assert "Promoted: on 60 held-out verdicts the Brier score is 0.08" in page
    assert HOSTILE not in page


def test_the_page_of_the_services_says_which_thresholds_are_in_force() -> None:
    held = VectorThresholdRow(
        task="place",
        service_a="a",
        service_b=HOSTILE,
        size=480,
        identity_a="1 x",
        identity_b="1 y",
        version="fedcba9876543210",
        promoted=True,
        reason="promoted: it errs less",
        contents=960,
        held_out=280,
        near_a=0.5,
        near_b=0.6,
        alone=0.2,
        median_shift=0.111,
        disagree_at=0.333,
        flagged=0.04,
        found=0.98,
        error=0.06,
        error_before=0.2,
    )
    not_held = replace(held, size=30, version=None, promoted=False, reason="not promoted: it errs")
    page = services_page(thresholds=rows_to_arrow(VECTOR_THRESHOLDS, [held, not_held]))
    assert "fedcba9876543210" in page
    assert "0.333" in page
    assert "not promoted: it errs" in page
    assert HOSTILE not in page
    assert "Thresholds of vectors" not in services_page()


def test_before_anything_was_learnt_the_page_says_so() -> None:
    page = services_page(
        cards=SERVICE_SCORECARDS.schema.empty_table(), calibrations=None, batches=[]
    )
    assert "No service has answered yet" in page
    assert "Nothing was calibrated yet" in page


def test_drift_is_the_mean_of_each_batch() -> None:
    figures = learning_figures(rows_to_arrow(SERVICE_SCORECARDS, [CARD]), None, BATCHES)
    (drift,) = figures.drift
    assert (drift.task, drift.batches) == ("mood", ("b1", "b2"))
    assert drift.risk == pytest.approx((0.3, 0.3))
    assert (drift.accepted, drift.disputed) == ((0.5, 0.5), (0.5, 0.5))


def question(place: int) -> ReviewRow:
    return ReviewRow(
        batch="b",
        place=place,
        item_id=f"i{place}",
        content_hash="c",
        path=HOSTILE,
        task="mood",
        kind=AnswerKind.LABEL,
        answer=HOSTILE,
        triage=Triage.REJECT,
        error_risk=0.5,
        impact=2.0,
        teaches=1.0,
        value=1.0,
        round=1,
        size=0.01,
        priority=1.0,
        beyond=0.0,
        chance=1.0,
        audit=False,
        probability=None,
        question=f"What is the mood{HOSTILE}?",
        allowed=f"one of: calm, {HOSTILE}",
        choices=("calm", HOSTILE),
        readings=(
            QueuedReading("a", HOSTILE, 0.5, f"because of {HOSTILE}"),
            QueuedReading("b", "calm; very", 0.4, None),
        ),
        kinds=("outlier_service",),
        severity=0.4,
        disputes=(f"a says {HOSTILE}, b says calm",),
    )


CONTENT = QuestionContent(
    ContentExcerpt(
        (
            ExcerptPiece(f"A line\n\n \n\nand {HOSTILE} "),
            ExcerptPiece("calm & serene", marked=True),
            ExcerptPiece("…"),
            ExcerptPiece("\tthe rest\u202e"),
        )
    ),
    (("author", HOSTILE),),
    "prose, 1,204 bytes, en",
)


def test_a_question_is_answered_from_its_card_alone() -> None:
    rows = rows_to_arrow(REVIEW_QUEUE, [question(1), question(2)])
    page = render_review("b", questions_for_people(rows), {("i2", "mood"): CONTENT})
    card = page[page.index('<li id="q2">') : page.index("</main>")]
    order = (
        *("What is the mood", "prose, 1,204 bytes, en", "one of: calm"),
        *("<b>a)</b> <bdi>calm</bdi>", "<b>b)</b>", "A line\n\nand &lt;script&gt;"),
        *("<mark>calm &amp; serene</mark>", '<span class="gap">…</span>', "    the rest\\u202e"),
        "<bdi>author</bdi>",
        *("calm; very", "a says &lt;script&gt;", "stands:"),
    )
    assert [card.index(words) for words in order] == sorted(card.index(words) for words in order)
    assert "because of &lt;script&gt;" in card and "50% sure" in card
    missing = QuestionContent(ContentExcerpt(note="not shown: it has changed since"))
    page = render_review("b", questions_for_people(rows), {("i1", "mood"): missing})
    assert "not shown: it has changed since" in page


def test_the_queue_is_shown_in_its_order_with_what_is_left_out_counted() -> None:
    rows = [question(place) for place in range(1, 301)][::-1]
    figures = questions_for_people(rows_to_arrow(REVIEW_QUEUE, rows))
    assert [one.place for one in figures.shown] == list(range(1, 201))
    page = render_review("b", figures, {("i2", "mood"): CONTENT})
    assert "Showing 200 of 300 questions" in page
    assert HOSTILE not in page and "<script" not in page
    nothing = render_review("b", questions_for_people(REVIEW_QUEUE.schema.empty_table()), {})
    assert "Nothing needs a verdict" in nothing


def region_row(place: int, policy: str, best: str, **fields) -> FrontierRow:
    row = FrontierRow(
        task="mood",
        view="region",
        policy=policy,
        place=place,
        items=212,
        labels=230,
        accuracy=0.94 if policy == best else 0.5,
        accuracy_low=0.4,
        accuracy_high=0.97,
        effective=212.0,
        usd=0.000017,
        ms=10.0,
        calls=1.0,
        regret=None,
        change=None,
        change_low=None,
        change_high=None,
        words="",
        region="all content",
        condition="",
        best=best,
    )
    return replace(row, **fields)


def test_the_page_of_the_services_says_who_is_best_on_what_content() -> None:
    rows = [
        region_row(0, "dear", "dear", words="which service to ask depends on the content"),
        region_row(0, "cheap", "dear"),
        region_row(1, "dear", "cheap"),
        region_row(1, HOSTILE, "cheap"),
        region_row(
            1,
            "cheap",
            "cheap",
            region="short German prose",
            condition=f"family is {HOSTILE}",
            words="short German prose: cheap is right 94 % of 212 such items",
        ),
        region_row(0, "a", "a", task="title", words="content does not tell the services apart"),
    ]
    page = services_page(frontier=rows_to_arrow(SELECTION_FRONTIER, rows))
    section = page[page.index("Who is best on what content") : page.index("Calibration")]
    order = (
        *("<b>Mood:</b> which service to ask depends on the content.", "1 kind of content<"),
        *("Short German prose: cheap is right 94 % of 212 such items", "family is &lt;script"),
        *("212</data>", "cheap", "94%</data>", "$0.000017</data>", "dear", "50%</data>"),
        "<b>Title:</b> content does not tell the services apart.",
    )
    at = 0
    for words in order:
        at = section.index(words, at)
    assert HOSTILE not in page
    assert section.count("<table") == 1
    assert "Who is best" not in services_page()
