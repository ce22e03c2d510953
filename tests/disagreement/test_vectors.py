from itertools import pairwise

import numpy as np
import pytest

from orchestration_assets.disagreement import vectors
from orchestration_assets.disagreement.vectors import windows_of
from orchestration_assets.evidence.neighbourhoods import MIN_ITEMS, NEIGHBOURS
from orchestration_assets.schemas.enums import AnswerKind, DisagreementKind
from tests.disagreement.batches import found, task
from tests.evidence.answers import ok

VECTOR = task(AnswerKind.VECTOR, 0.7)
RANDOM = np.random.default_rng(5)


def batch(**spaces):
    columns = [
        [(name, ok(tuple(map(float, one)))) for one in rows] for name, rows in spaces.items()
    ]
    return list(zip(*columns, strict=True))


def test_a_turned_and_stretched_space_is_the_same_space() -> None:
    space = RANDOM.normal(size=(60, 8))
    turn, _ = np.linalg.qr(RANDOM.normal(size=(8, 8)))
    assert found(VECTOR, *batch(x=space, y=-3.0 * space @ turn)) == []


def test_unrelated_spaces_disagree_about_most_items() -> None:
    items = batch(x=RANDOM.normal(size=(200, 8)), y=RANDOM.normal(size=(200, 8)))
    rows = found(VECTOR, *items)
    assert len(rows) > 180
    assert {row.kind for row in rows} == {DisagreementKind.NEIGHBOURHOOD_SHIFT}
    assert all(len(row.only_a) == round(row.distance * NEIGHBOURS) for row in rows)


def test_an_item_that_moved_is_found_with_the_items_that_it_moved_between() -> None:
    centres = np.eye(4)[np.arange(80) % 4]
    space = centres + 0.05 * RANDOM.normal(size=(80, 4))
    moved = space.copy()
    moved[8] = moved[9]  # from the first to the second centre
    rows = [row for row in found(VECTOR, *batch(x=space, y=moved)) if row.item_id == "i0008"]
    assert [row.distance for row in rows] == [1.0]
    assert {int(path[1:5]) % 4 for path in rows[0].only_a} == {0}
    assert {int(path[1:5]) % 4 for path in rows[0].only_b} == {1}
    assert rows[0].evidence.startswith("x: alone finds it near i00")


def test_copies_are_ranked_alike_in_every_space() -> None:
    same = np.ones((50, 3))
    assert found(VECTOR, *batch(x=same, y=np.zeros((50, 3)))) == []


@pytest.mark.parametrize(("count", "tells"), [(MIN_ITEMS - 1, False), (MIN_ITEMS, True)])
def test_a_small_batch_does_not_tell(count, tells) -> None:
    space = RANDOM.normal(size=(count, 30))
    anything = task(AnswerKind.VECTOR, 0.1)
    items = batch(x=space, y=RANDOM.normal(size=(count, 30)))
    assert bool(found(anything, *items)) == tells


def test_only_items_that_both_answered_are_compared() -> None:
    space = RANDOM.normal(size=(MIN_ITEMS, 6))
    items = batch(x=space, y=RANDOM.normal(size=(MIN_ITEMS, 6)))
    assert found(VECTOR, *items)
    assert found(VECTOR, *items[:-1], items[-1][:1]) == []


def test_a_vector_of_another_length_is_in_another_space() -> None:
    items = batch(x=RANDOM.normal(size=(40, 6)), y=RANDOM.normal(size=(40, 6)))
    items[3] = (items[3][0], ("y", ok((1.0,))))
    assert "i0003" not in {row.item_id for row in found(VECTOR, *items)}


def test_neighbours_are_the_nearest_within_a_bounded_window(monkeypatch) -> None:
    monkeypatch.setattr(vectors, "WINDOW", 40)
    names = tuple(f"i{number:03d}" for number in range(100))
    space = RANDOM.normal(size=(100, 5)).astype(np.float32)
    near = {
        name: tuple(window.names[row] for row in rows)
        for window in windows_of(names, space)
        for name, rows in zip(window.names, window.near.tolist(), strict=True)
    }
    assert list(near) == list(names)
    starts = (0, 34, 67, 100)
    for start, end in pairwise(starts):
        part = space[start:end] / np.linalg.norm(space[start:end], axis=1, keepdims=True)
        for row, similar in enumerate(part @ part.T):
            nearest = [at for at in np.argsort(-similar) if at != row][:NEIGHBOURS]
            assert near[names[start + row]] == tuple(names[start + at] for at in nearest)
