"""How right answers are by what the content declares, before anybody judged them."""

import pytest

from orchestration_assets.policy.load import parse_policy
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    CONTENT_MANIFEST,
    RESOLUTIONS,
    ManifestRow,
    Metadatum,
    ResolutionRow,
)
from orchestration_assets.signals.gold_accuracy import declared_accuracy
from tests.rows import row

BATCH = "20260101T000000Z-00000001"
POLICY = """
version: 2
content: {records: [{files: "*.csv", text: body, metadata: [right, other]}]}
services: {names: {implementation: extension_map}}
tasks:
  topic:
    question: What is it about?
    labels: [money, post]
    GOLD
    default: {model: sequential, services: [names]}
"""


def tables(declared: dict[str, str], answered: dict[str, str]):
    manifest = [
        row(ManifestRow, batch=BATCH, item_id=item, path=item, content_hash=item, computed_as=item,
            metadata=(Metadatum("right", label),))
        for item, label in declared.items()
    ]  # fmt: skip
    resolutions = [
        row(ResolutionRow, batch=BATCH, item_id=item, path=item, content_hash=item, task="topic",
            kind=AnswerKind.LABEL, answer=label)
        for item, label in answered.items()
    ]  # fmt: skip
    return rows_to_arrow(CONTENT_MANIFEST, manifest), rows_to_arrow(RESOLUTIONS, resolutions)


def test_answers_are_held_against_the_declared_ones_and_no_answer_counts_for_nothing() -> None:
    policy = parse_policy(POLICY.replace("GOLD", "gold: right"), "test").policy
    declared = {"a": "money", "b": "post", "c": "money", "d": "no label", "e": " "}
    found = declared_accuracy(
        BATCH, *tables(declared, {"a": "money", "b": "post", "c": "post", "d": "post"}), policy
    )
    assert found is not None
    assert (found.value, found.count) == (pytest.approx(2 / 3), 3)
    assert found.low is not None and found.high is not None and found.low < 2 / 3 < found.high


def test_without_gold_there_is_no_figure() -> None:
    silent = parse_policy(POLICY.replace("    GOLD\n", ""), "test").policy
    told = parse_policy(POLICY.replace("GOLD", "gold: other"), "test").policy
    held = tables({"a": "money"}, {"a": "money"})
    assert declared_accuracy(BATCH, *held, silent) is None
    assert declared_accuracy(BATCH, *held, told) is None
