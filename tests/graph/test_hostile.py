"""Damaged files in 15 languages, asked about at a server that says everything servers say."""

import json
from collections import Counter
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from orchestration_assets.content.intake import take_in
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.tables import BATCH_TABLES, TABLES
from orchestration_assets.text.replies.call_errors import Forbidden, PaymentRequired, Unauthorised
from resources.home import Home
from tests.ai_services.http.serving import answering
from tests.ai_services.http.shapes import LETTER, SHAPES, Shape
from tests.graph.conftest import Project, fresh_instance
from tests.graph.test_pipeline import pairs
from tests.hostile_files import write_hostile_files

pytestmark = pytest.mark.slow

FILES = 500
LISTED_AT = datetime(2026, 11, 1, tzinfo=UTC)
# these end a service for the run, so that what is left of a batch depends on when they came
ENDING = (Unauthorised, PaymentRequired, Forbidden)

POLICY = """
version: 2
services:
  grammar: {{implementation: grammar}}
  names: {{implementation: extension_map}}
  whole:
    type: openai_chat
    base_url: {url}/whole
    model: small-1
    prompt: &prompt {{user: "{{{{ path }}}} {{{{ content }}}}"}}
    retries: &retries {{attempts: 1, backoff_s: 0.01}}
    breaker: &breaker {{window: 10000, min_attempts: 10000, wait_s: 5}}
  streamed:
    type: openai_chat
    base_url: {url}/streamed
    model: small-1
    stream: true
    prompt: *prompt
    retries: *retries
    breaker: *breaker
tasks:
  content_type:
    question: What kind of file is this?
    default: {{model: parallel, services: [names, grammar]}}
  letter:
    question: Which is it?
    labels: [invoice, complaint]
    default: {{model: parallel, services: [whole, streamed]}}
"""


def choosing(shapes: list[Shape]):
    """Which shape answers a request: the same for the same service and words."""
    by_kind = {kind: [one for one in shapes if one.stream is kind] for kind in (False, True)}
    good = {kind: next(one for one in by_kind[kind] if one.right.answer) for kind in by_kind}

    def choose(path: str, body: bytes) -> Shape:
        kind = path.startswith("/streamed")
        words = json.loads(body)["messages"][-1]["content"] if body else "health"
        if words.startswith("health"):
            return good[kind]
        number = int.from_bytes(blake2b(words.encode(), digest_size=8).digest())
        return by_kind[kind][number % len(by_kind[kind])]

    return choose


def processed(home: Path, source: Path, url: str) -> dict[str, pa.Table]:
    policy = home / "policy.yaml"
    home.mkdir()
    policy.write_text(POLICY.format(url=url))
    with fresh_instance() as instance:
        project = Project(home, instance, policy)
        content = load_policy(policy).policy.content
        (batch,) = take_in(Home(home), str(source), content, LISTED_AT).recorded
        instance.add_dynamic_partitions("content_batches", [batch])
        project.succeeds("process_batch", batch)
        return {name: project.tables.read(name, batch) for name in BATCH_TABLES}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "content"
    write_hostile_files(root, FILES, seed=20261128)
    return root


def test_everything_is_accounted_for_and_equal_twice(tmp_path: Path, folder: Path) -> None:
    shapes = [
        one
        for one in SHAPES
        if one.task is LETTER
        and one.right.error not in ENDING
        and one.right.retry_after is None
        and not one.settings
        # how often a service is asked that says to slow down depends on the clock
        and not (b"429" in b"".join(one.parts) or "429" in one.right.reason)
    ]
    with answering(choosing(shapes)) as (url, served):
        first = processed(tmp_path / "first", folder, url)
        asked = len(served.requests)
        second = processed(tmp_path / "second", folder, url)
    assert asked > 500
    manifest = first["content_manifest"].to_pylist()
    assert len(manifest) == FILES == len({row["address"] for row in manifest})
    assert all(row["detail"] for row in manifest if row["outcome"] == "rejected")
    accepted = {row["item_id"] for row in manifest if row["outcome"] == "accepted"}
    assert len(accepted) > FILES / 2
    both = {(item, task) for item in accepted for task in ("content_type", "letter")}
    for name in ("processing_plans", "resolutions"):
        assert pairs(first[name]) == both, name
    readings = first["parallel_interpretations"].to_pylist()
    per_question = Counter((row["item_id"], row["task"]) for row in readings)
    assert per_question == dict.fromkeys(both, 2)
    assert all(row["reason"] for row in readings if row["status"] not in ("ok", "abstained"))
    assert len({row["status"] for row in readings}) >= 4
    # on a busy machine the deadline may cut the profile of a file that is made to be slow
    profiles = [row for run in (first, second) for row in run["content_profiles"].to_pylist()]
    cut = {row["item_id"] for row in profiles if row["cut_by_clock"]}
    assert len(cut) <= 5
    for name in first:
        one, other = (
            uncut(run[name].select(TABLES[name].stable_columns), cut) for run in (first, second)
        )
        assert one.equals(other), name


def uncut(table: pa.Table, cut: set[str]) -> pa.Table:
    if "item_id" not in table.column_names:
        return table
    return table.filter(pc.invert(pc.is_in(table["item_id"], pa.array(sorted(cut), pa.string()))))


def test_what_ends_a_service_leaves_no_question_without_a_row(tmp_path: Path, folder: Path) -> None:
    shapes = [one for one in SHAPES if one.task is LETTER and one.right.retry_after is None]
    with answering(choosing(shapes)) as (url, _):
        tables = processed(tmp_path / "home", folder, url)
    asked = pairs(tables["processing_plans"])
    assert pairs(tables["parallel_interpretations"]) == asked == pairs(tables["resolutions"])
