"""What thresholds rest on: the vectors of services as they answered last, each content once."""

import pyarrow as pa
import pytest

from orchestration_assets.disagreement.vector_history import vector_readings
from orchestration_assets.policy.load import LoadedPolicy, parse_policy
from orchestration_assets.policy.pinned_policy import pin_policy
from orchestration_assets.schemas.tables import (
    PARALLEL_INTERPRETATIONS,
    PROCESSING_PLANS,
    RESOLUTIONS,
)
from resources.home import Home
from resources.table_store import parquet_bytes, write_atomically
from tests.disagreement.batches import interpretation, interpretations
from tests.evidence.answers import ok

TASK = "embedding"
WORDS, GRAMS = "word_hashing", "ngram_hashing"


POLICY = f"""
version: 2
services:
  {WORDS}: {{implementation: {WORDS}}}
  {GRAMS}: {{implementation: {GRAMS}}}
tasks:
  {TASK}:
    question: Where does this content lie?
    kind: vector
    default: {{model: parallel, services: [{WORDS}, {GRAMS}]}}
"""


def two_vectors() -> LoadedPolicy:
    return parse_policy(POLICY, "two-vectors.yaml")


@pytest.fixture
def home(tmp_path) -> Home:
    pin_policy(tmp_path / "policies", two_vectors())
    return Home(tmp_path)


def keep(home: Home, batch: str, said, judge=None, version="1", policy=None) -> None:
    """Stores a batch: ``votes`` is content -> service -> vector."""
    plans = [
        {
            "item_id": f"item of {content}",
            "task": TASK,
            "kind": "vector",
            "policy_hash": policy or two_vectors().hash,
        }
        for content in said
    ]
    path = home.tables.path(PROCESSING_PLANS.name, batch)
    types = pa.schema([(name, pa.string()) for name in plans[0]])
    write_atomically(path, parquet_bytes(pa.Table.from_pylist(plans, schema=types)))
    rows = [
        interpretation(
            service,
            ok(vector),
            batch=batch,
            item_id=f"item of {content}",
            content_hash=content,
            task=TASK,
            service_version=version,
            saw=tuple(by_service) if service == judge else (),
        )
        for content, by_service in said.items()
        for service, vector in by_service.items()
    ]
    home.tables.write(PARALLEL_INTERPRETATIONS, interpretations(*rows), batch)
    home.tables.write(RESOLUTIONS, RESOLUTIONS.schema.empty_table(), batch)


def vectors(readings, service: str) -> list[dict[str, tuple[float, ...]]]:
    """Of each batch, latest first: content -> vector."""
    return [
        {
            content: tuple(row)
            for content, row in zip(
                one[service].contents, one[service].vectors.tolist(), strict=True
            )
        }
        for one in readings.batches
        if service in one
    ]


def both(first, second):
    return {WORDS: first, GRAMS: second}


def test_identical_content_counts_once_with_its_latest_vectors(home) -> None:
    keep(home, "b1", {"c1": both((1.0, 0.0), (1.0, 1.0)), "c2": both((0.0, 1.0), (2.0, 0.0))})
    keep(home, "b2", {"c1": both((0.5, 0.5), (3.0, 3.0))})
    found = vector_readings(home).by_task[TASK]
    assert vectors(found, WORDS) == [{"c1": (0.5, 0.5)}, {"c2": (0.0, 1.0)}]
    assert vectors(found, GRAMS) == [{"c1": (3.0, 3.0)}, {"c2": (2.0, 0.0)}]
    assert set(found.identities) == {WORDS, GRAMS}


def test_vectors_of_an_earlier_version_and_of_judges_are_left_out(home) -> None:
    keep(home, "b1", {"c1": both((1.0, 0.0), (1.0, 1.0))}, version="0")
    keep(home, "b2", {"c2": both((0.0, 1.0), (2.0, 0.0))})
    keep(home, "b3", {"c3": both((0.0, 3.0), (2.0, 3.0))}, judge=GRAMS)
    found = vector_readings(home).by_task[TASK]
    assert vectors(found, WORDS) == [{"c3": (0.0, 3.0)}, {"c2": (0.0, 1.0)}]
    assert vectors(found, GRAMS) == [{"c2": (2.0, 0.0)}]
    assert found.identities[WORDS] == "1"


def test_a_vector_of_another_length_is_in_another_space(home) -> None:
    said = {f"c{n}": both((1.0, float(n)), (1.0,)) for n in range(1, 4)}
    keep(home, "b1", said | {"c9": both((1.0, 2.0, 3.0), (1.0,))})
    found = vector_readings(home).by_task[TASK]
    assert [sorted(one) for one in vectors(found, WORDS)] == [["c1", "c2", "c3"]]


def test_no_more_contents_than_are_needed_the_latest_first(home) -> None:
    for batch in ("b1", "b2"):
        said = {f"{batch}c{n}": both((1.0, float(n)), (1.0, 0.0)) for n in range(5)}
        keep(home, batch, said)
    found = vector_readings(home, most=7).by_task[TASK]
    assert [len(one) for one in vectors(found, WORDS)] == [5, 2]


def test_a_batch_whose_policy_cannot_be_read_back_still_says_who_answered(home) -> None:
    keep(home, "b1", {"c1": both((1.0, 0.0), (1.0, 1.0))}, policy="0" * 16)
    found = vector_readings(home)
    assert found.skipped == {}
    assert found.by_task[TASK].identities == {WORDS: "1", GRAMS: "1"}
