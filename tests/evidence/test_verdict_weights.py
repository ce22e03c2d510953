"""What verdicts stand for: declared ones for themselves, those of queues for the rest."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from orchestration_assets.content.verdicts import DECLARED_BY
from orchestration_assets.evidence.verdict_weights import verdict_weights
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.verdicts import GoldRow


@dataclass
class Queued:
    content_hash: str
    size: float
    priority: float
    beyond: float = 0.0
    batch: str = "b"
    task: str = "t"
    triage: str = "review"
    round: int = 1
    probability: float | None = None


def said(content: str | None, who: str = "kim", task: str = "t") -> GoldRow:
    return GoldRow(
        item_id=f"item of {content}",
        path="",
        content_hash=content,
        task=task,
        kind=AnswerKind.LABEL,
        answer="a",
        answer_set=None,
        answer_score=None,
        who=who,
        said_at=datetime(2026, 1, 1, tzinfo=UTC),
        file="f",
        line=1,
        dissenters=(),
        history=(),
    )


QUEUE = [Queued(f"c{n}", 0.1, 1.0 / (n + 1), beyond=0.05) for n in range(10)]


def test_a_prefix_is_weighed_by_the_first_that_was_left() -> None:
    found = verdict_weights([said("c0"), said("c1"), said("c2")], QUEUE)["t"]
    assert found.weights == pytest.approx(dict.fromkeys(("c0", "c1", "c2"), 0.25 / 0.1))
    assert (found.sampled, found.declared, found.outside) == (3, 0, 0)


def test_a_whole_queue_is_weighed_by_what_found_no_room() -> None:
    found = verdict_weights([said(f"c{n}") for n in range(10)], QUEUE)["t"]
    assert set(found.weights.values()) == {1.0}
    tight = [Queued(f"c{n}", 0.1, 1.0 / (n + 1), beyond=0.2) for n in range(5)]
    found = verdict_weights([said(f"c{n}") for n in range(5)], tight)["t"]
    assert set(found.weights.values()) == {2.0}


def test_declared_gold_stands_for_itself_and_is_no_answer_to_the_queue() -> None:
    gold = [said("d0", DECLARED_BY), said("d1", DECLARED_BY), said("c0"), said("c1", DECLARED_BY)]
    found = verdict_weights(gold, QUEUE)["t"]
    assert (found.sampled, found.declared) == (1, 3)
    assert {found.weights[one] for one in ("d0", "d1", "c1")} == {1.0}
    assert found.weights["c0"] == pytest.approx((1.0 / 3.0) / 0.1)
    alone = verdict_weights([said("d0", DECLARED_BY)], QUEUE)["t"]
    assert alone.basis == "1 contents that declare their answer, and about nothing else"


def test_verdicts_beside_the_queue_are_counted_out_and_said() -> None:
    found = verdict_weights([said("c0"), said("elsewhere"), said(None)], QUEUE)["t"]
    assert set(found.weights) == {"c0"}
    assert found.outside == 1
    assert "1 verdicts beside the queue are not counted" in found.basis
    only = verdict_weights([said("elsewhere")], [])["t"]
    assert (only.weights, only.outside) == ({}, 1)


def test_rounds_of_one_batch_are_averaged_and_batches_added() -> None:
    closed = [Queued("e0", 0.1, 1.0, probability=0.5), Queued("e1", 0.1, 1.0, probability=0.25)]
    later = [Queued(f"c{n}", 0.1, 1.0 / (n + 1), round=2) for n in range(10)]
    gold = [said(one) for one in ("e0", "e1", "c0", "c1")]
    found = verdict_weights(gold, closed + later)["t"].weights
    # each round by itself, with what was answered before it counted once: half of both
    assert found["e0"] == pytest.approx(0.5 / 0.5 + 0.5)
    assert found["e1"] == pytest.approx(0.5 / 0.25 + 0.5)
    assert found["c0"] == pytest.approx(0.5 * (1.0 / 3.0) / 0.1)
    other = [Queued(f"z{n}", 0.1, 1.0 / (n + 1), batch="b2") for n in range(4)]
    both = verdict_weights([*gold, said("z0")], [*closed, *later, *other])["t"].weights
    assert {key: both[key] for key in found} == pytest.approx(found)
    assert both["z0"] == pytest.approx(0.5 / 0.1)


def test_tasks_have_thresholds_of_their_own() -> None:
    mixed = [*QUEUE, *(Queued(f"c{n}", 0.1, 0.9 / (n + 1), 0.05, task="u") for n in range(10))]
    gold = [said("c0"), said("c1"), said("c0", task="u")]
    found = verdict_weights(gold, mixed)
    assert found["t"].weights == verdict_weights(gold[:2], QUEUE)["t"].weights
    assert found["u"].weights == pytest.approx({"c0": 0.45 / 0.1})
