"""Kappa is Cohen's, its interval covers, and confusions count what the tables hold."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from orchestration_assets.evidence.chance_agreement import cohen_kappa
from orchestration_assets.reporting.figures import batch_figures
from orchestration_assets.reporting.pair_agreement import pair_confusions
from tests.disagreement.batches import interpretation, interpretations
from tests.evidence.answers import ok
from tests.reporting.batches import synthetic_batch

LABELS = st.sampled_from("abcd")
COUNTS = st.dictionaries(st.tuples(LABELS, LABELS), st.integers(1, 40), min_size=1)


def test_a_case_counted_by_hand() -> None:
    """(.7 - .5) / (1 - .5) = .4. With p = ((.4, .1), (.2, .3)) the terms of the variance are
    .4 (1 - .6)^2 ... = .118, .36 (.1 .9^2 + .2 1.1^2) = .1163 and (.4 - .5 .6)^2 = .01."""
    found = cohen_kappa({("a", "a"): 40, ("a", "b"): 10, ("b", "a"): 20, ("b", "b"): 30})
    assert found is not None and found.interval is not None
    assert found.value == pytest.approx(0.4)
    p, row, column, kappa, chance = (
        {("a", "a"): 0.4, ("a", "b"): 0.1, ("b", "a"): 0.2, ("b", "b"): 0.3},
        {"a": 0.5, "b": 0.5},
        {"a": 0.6, "b": 0.4},
        0.4,
        0.5,
    )
    same = sum(p[x, x] * (1 - (row[x] + column[x]) * (1 - kappa)) ** 2 for x in "ab")
    other = (1 - kappa) ** 2 * sum(
        p[x, y] * (column[x] + row[y]) ** 2 for x, y in (("a", "b"), ("b", "a"))
    )
    deviation = (same + other - (kappa - chance * (1 - kappa)) ** 2) ** 0.5 / (0.5 * 10)
    low, high = found.interval
    assert (high - low) / 2 == pytest.approx(1.96 * deviation, rel=1e-3)


@given(COUNTS)
def test_it_is_what_others_compute(counts: dict[tuple[str, str], int]) -> None:
    first = [a for (a, _), count in counts.items() for _ in range(count)]
    second = [b for (_, b), count in counts.items() for _ in range(count)]
    found = cohen_kappa(counts)
    if {*first} == {*second} and len({*first}) == 1:
        assert found is None
        return
    assert found is not None
    assert found.value == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)
    turned = cohen_kappa({(b, a): count for (a, b), count in counts.items()})
    assert turned is not None and turned.value == pytest.approx(found.value)
    if found.interval is not None:
        assert -1 <= found.interval[0] <= found.value <= found.interval[1] <= 1


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(5)
    shares = np.array([0.3, 0.08, 0.02, 0.06, 0.25, 0.04, 0.03, 0.02, 0.2])
    pairs = list(itertools.product("abc", "abc"))
    truth = cohen_kappa(
        {pair: round(100 * share) for pair, share in zip(pairs, shares, strict=True)}
    )
    assert truth is not None
    held = 0
    for drawn in rng.multinomial(150, shares, size=1000):
        found = cohen_kappa({pair: int(n) for pair, n in zip(pairs, drawn, strict=True) if n})
        assert found is not None and found.interval is not None
        held += found.interval[0] <= truth.value <= found.interval[1]
    assert 925 <= held <= 975


@pytest.mark.parametrize("counts", [{}, {("a", "a"): 12}])
def test_where_chance_alone_agrees_it_is_undefined(counts: dict[tuple[str, str], int]) -> None:
    assert cohen_kappa(counts) is None


def test_without_a_difference_nothing_tells_how_sure_it_is() -> None:
    same = cohen_kappa({("a", "a"): 5, ("b", "b"): 5})
    assert same is not None and (same.value, same.interval) == (1.0, None)


def test_confusions_count_what_the_tables_hold() -> None:
    tables = synthetic_batch(200)
    figures = batch_figures(tables)
    rows = [
        row
        for row in tables["interpretations"].to_pylist()
        if row["task"] == "content_type" and row["final"] and row["status"] == "ok"
    ]
    said = {(row["item_id"], row["service"]): row["answer"] for row in rows}
    knew = {(row["item_id"], row["service"]) for row in rows if row["saw"]}
    assert not knew, "the counts below need no care for who saw what"
    (task,) = (task for task in figures.tasks if task.task == "content_type")
    assert len(task.confusions) == 3
    assert not [t for t in figures.tasks if t.kind != "label" and t.confusions]
    for one in task.confusions:
        items = {item for item, _ in said}
        both = [item for item in items if (item, one.a) in said and (item, one.b) in said]
        assert one.both == len(both) == task.between(one.a, one.b).compared
        assert one.same == sum(said[item, one.a] == said[item, one.b] for item in both)
        for (x, label), (y, other) in itertools.product(enumerate(one.labels), repeat=2):
            expected = sum((said[i, one.a], said[i, one.b]) == (label, other) for i in both)
            assert one.counts[x][y] == expected


def test_many_labels_are_counted_together_and_who_saw_the_other_is_left_out() -> None:
    tables = synthetic_batch(60)
    rows = [
        row | {"answer": f"label {number}", "saw": []}
        for number, row in enumerate(tables["interpretations"].to_pylist())
        if row["task"] == "content_type" and row["final"] and row["status"] == "ok"
    ]
    schema = tables["interpretations"].schema
    services = tuple(sorted({row["service"] for row in rows}))
    apart = pair_confusions(services, tables["interpretations"].from_pylist(rows, schema))
    assert all(one.same == 0 and one.more == 2 * one.both - 8 for one in apart)
    assert all(sum(map(sum, one.counts)) == one.both for one in apart)
    a, b = apart[0].a, apart[0].b
    shown = [row | {"saw": [a] if row["service"] == b else []} for row in rows]
    left = pair_confusions(services, tables["interpretations"].from_pylist(shown, schema))
    assert (a, b) not in [(one.a, one.b) for one in left]


def test_who_moved_to_an_answer_does_not_agree_with_it_by_itself() -> None:
    def said(service: str, answer: str, follows: tuple[str, ...] | None = None):
        others = tuple(sorted({"s", "t", "u"} - {service}))
        return interpretation(service, ok(answer), saw=others, voice=False, follows=follows)

    table = interpretations(said("s", "a"), said("t", "b"), said("u", "a", ("s",)))
    pairs = {
        (one.a, one.b): (one.both, one.same) for one in pair_confusions(("s", "t", "u"), table)
    }
    assert pairs == {("s", "t"): (1, 0), ("t", "u"): (1, 0)}
