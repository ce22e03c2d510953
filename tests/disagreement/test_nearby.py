"""How services stood on nearest earlier items: counted from tables, bounded, never the future."""

from dataclasses import replace
from itertools import count

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.disagreement.neighbour_history import (
    HistoryLimits,
    neighbours_of,
    read_history,
    with_nearby,
)
from orchestration_assets.disagreement.pairs import disagreements
from orchestration_assets.disagreement.resolution import resolve
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    DISAGREEMENTS,
    PARALLEL_INTERPRETATIONS,
    RESOLUTIONS,
)
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.services.readings import abstention
from resources.home import Home
from resources.table_store import TableStore
from tests.disagreement.batches import found, interpretation, interpretations, plan, task
from tests.evidence.answers import ok

LABEL = task(AnswerKind.LABEL)
VERSIONS = {"t": {"x": "1", "y": "1", "z": "1"}}
FAR = HistoryLimits(max_batches=10, seconds=60.0, clock=lambda: 0.0)


def keep(store: TableStore, batch: str, versions=None, **items) -> None:
    """Stores a batch: ``items`` are each what x, y and z said of it."""
    heard = {
        name: tuple((service, one) for service, one in zip("xyz", said, strict=True))
        for name, said in items.items()
    }
    plans = [plan(name, batch=batch) for name in items]
    readings = {(name, "t"): votes for name, votes in heard.items()}
    rows = [
        interpretation(service, one, batch=batch, item_id=name, service_version=version)
        for name, votes in heard.items()
        for service, one in votes
        for version in [(versions or {}).get(service, "1")]
    ]
    resolved = [resolve(one, readings[one.item_id, "t"], LABEL) for one in plans]
    store.write(PARALLEL_INTERPRETATIONS, interpretations(*rows), batch)
    store.write(RESOLUTIONS, rows_to_arrow(RESOLUTIONS, resolved), batch)
    disagreeing = disagreements(plans, readings, {"t": LABEL})
    store.write(DISAGREEMENTS, rows_to_arrow(DISAGREEMENTS, disagreeing), batch)


@pytest.fixture
def store(tmp_path) -> TableStore:
    kept = Home(tmp_path).tables
    keep(kept, "b1", n1=(ok("a"), ok("b"), ok("a")), n2=(ok("a"), ok("a"), ok("a")))
    keep(
        kept,
        "b2",
        n3=(ok("a"), ok("b"), ok("a")),
        n4=(ok("a"), abstention("nothing to say"), ok("b")),
    )
    return kept


def in_dispute():
    """x and z say a, y says b: the pairs x, y and y, z."""
    rows = found(LABEL, [("x", ok("a")), ("y", ok("b")), ("z", ok("a"))])
    return [replace(row, item_id="now") for row in rows]


def told(store, near, versions=VERSIONS, limit=FAR, asked=LABEL):
    neighbours = {"now": near}
    earlier = read_history(store, neighbours, versions, limit)
    return list(with_nearby(in_dispute(), neighbours, earlier, {"t": asked})), earlier


def test_a_dispute_says_how_the_same_two_stood_on_the_nearest_earlier_items(store) -> None:
    near = (("b1", "n1"), ("b1", "n2"), ("b2", "n3"), ("b2", "n4"))
    (xy, yz), _ = told(store, near)
    # y abstained on n4: three of the four tell something of x and y
    assert (xy.near_items, xy.near_agreed) == (3, pytest.approx(1 / 3))
    assert (xy.near_dissent_a, xy.near_dissent_b) == (0.0, pytest.approx(2 / 3))
    assert xy.nearby == (
        "of the 3 nearest earlier items that both answered they agree on 1; y dissented on 2"
    )
    assert (yz.service_a, yz.near_dissent_a, yz.near_dissent_b) == ("y", pytest.approx(2 / 3), 0.0)


def test_without_neighbours_nothing_is_said(store) -> None:
    rows, _ = told(store, ())
    assert rows == in_dispute()
    rows, _ = told(store, (("b2", "n4"),))
    assert {(row.near_items, row.near_agreed, row.nearby) for row in rows} == {(None, None, None)}


def test_a_service_of_another_version_was_another_service(store) -> None:
    keep(store, "b3", {"y": "0"}, n5=(ok("a"), ok("b"), ok("a")))
    rows, _ = told(store, (("b3", "n5"),))
    assert {row.near_items for row in rows} == {None}
    rows, _ = told(store, (("b3", "n5"),), {"t": VERSIONS["t"] | {"y": "0"}})
    assert {row.near_items for row in rows} == {1}


def test_vectors_are_left_as_they_are(store) -> None:
    rows, _ = told(store, (("b1", "n1"),), asked=task(AnswerKind.VECTOR, 0.8))
    assert rows == in_dispute()


def test_a_bound_cuts_the_batches_with_fewest_neighbours_and_says_so(store) -> None:
    near = (("b2", "n3"), ("b1", "n1"), ("b1", "n2"))
    (xy, _), earlier = told(store, near, limit=replace(FAR, max_batches=1))
    assert earlier.skipped == {"b2": "beyond nearby_batches (1)"}
    assert xy.near_items == 2
    assert xy.nearby is not None
    assert xy.nearby.endswith("; 1 not looked up: beyond nearby_batches (1)")
    _, earlier = told(store, near[:2], limit=replace(FAR, max_batches=1))
    assert list(earlier.skipped) == ["b1"]
    _, earlier = told(store, near, limit=replace(FAR, max_batches=0))
    assert sorted(earlier.skipped) == ["b1", "b2"]


def test_the_brake_opens_no_further_batch_and_says_so(store) -> None:
    seconds = count(0, 2)
    brake = HistoryLimits(10, 3.0, lambda: float(next(seconds)))
    (xy, _), earlier = told(store, (("b1", "n1"), ("b1", "n2"), ("b2", "n3")), limit=brake)
    assert earlier.skipped == {"b2": "the time limit of 3 s was reached"}
    assert xy.near_items == 2
    assert xy.nearby is not None
    assert "1 not looked up: the time limit of 3 s was reached" in xy.nearby


def test_a_batch_whose_results_are_gone_is_named(store) -> None:
    (xy, _), earlier = told(store, (("b0", "n9"),))
    assert earlier.skipped == {"b0": "its results are not stored"}
    assert (xy.near_items, xy.nearby) == (None, "1 not looked up: its results are not stored")


_PLACES = st.tuples(st.sampled_from(["b1", "b2", "b3"]), st.sampled_from(["i1", "i2", "i3"]))


@given(
    st.sampled_from(["b1", "b2", "b3"]),
    st.sampled_from(["i1", "i2", "i3"]),
    st.lists(_PLACES, max_size=6),
)
def test_neighbours_are_never_the_item_itself_nor_of_its_batch_or_later(batch, item, near) -> None:
    listed = [{"batch": b, "item_id": i, "similarity": 0.5} for b, i in near]
    fields = [CONTENT_VECTORS.schema.field(name) for name in ("batch", "item_id", "neighbours")]
    row = {"batch": batch, "item_id": item, "neighbours": listed}
    vectors = pa.Table.from_pylist([row], schema=pa.schema(fields))
    kept = neighbours_of(vectors, {item})[item]
    assert all(b < batch and i != item for b, i in kept)
    assert list(kept) == [(b, i) for b, i in near if b < batch and i != item]
    assert neighbours_of(vectors, {"other"}) == {}
