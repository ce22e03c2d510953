"""The scores: in range, monotone, and in the order of plain cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.profiling.profiler import profile
from orchestration_assets.profiling.scores import SCORES, rise, scores
from orchestration_assets.profiling.text import Values

INPUTS = sorted({name for score in SCORES.values() for name in score.inputs})
# A score rises with each of its features but for these: denominators, and names.
FALLING = {
    "structure_score": {"word_count"},
    "technicality_score": {"line_count"},
    "creativity_score": {"word_count"},
    "ambiguity_score": {"entity_density"},
}
VALUES = st.fixed_dictionaries({name: st.floats(0, 1e6) for name in INPUTS})


@given(values=VALUES)
def test_scores_keep_their_range(values: Values) -> None:
    assert all(0 <= float(score or 0) <= 1 for score in scores(values).values())


@given(values=VALUES, name=st.sampled_from(INPUTS), more=st.floats(0, 1e4))
def test_scores_are_monotone(values: Values, name: str, more: float) -> None:
    raised = {**values, name: float(values[name] or 0) + more}
    before, after = scores(values), scores(raised)
    for score in SCORES:
        change = float(after[score] or 0) - float(before[score] or 0)
        sign = -1 if name in FALLING.get(score, set()) else 1
        assert sign * change >= -1e-12, (score, name)


def test_what_does_not_apply_takes_no_part() -> None:
    nothing = scores(dict.fromkeys(INPUTS))
    assert set(nothing) == set(SCORES)
    assert nothing["ambiguity_score"] == nothing["complexity_score"] == 0
    known: Values = dict.fromkeys(INPUTS, 1.0)
    without = scores({**known, "cyclomatic_mean": None, "nesting_mean": None})
    terms = (0.25 * rise(1, 20), 0.2 * rise(1, 0.3), 0.15 * rise(1, 80))
    assert without["complexity_score"] == pytest.approx(sum(terms) / 0.6)


def test_a_score_needs_every_feature_that_it_reads() -> None:
    known: Values = dict.fromkeys(INPUTS, 1.0)
    del known["cyclomatic_mean"]
    assert set(SCORES) - set(scores(known)) == {"complexity_score"}


def test_rise() -> None:
    assert [rise(x, 5) for x in (0, 5, 45)] == [0, 0.5, 0.9]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("structure_score", "words on a line " * 9, "# A\n\n- b\n- c\n\n## D\n\n- e\n"),
        ("technicality_score", "we went out to see " * 9, "f(x) = {a[0]: 1.5, b[1]: 2.5}; " * 9),
        ("ambiguity_score", "Then Anna saw Bob in Rome. " * 9, "It may be that they could. " * 9),
        ("complexity_score", "No. Yes. " * 9, "a word " + "which follows from another " * 99),
        ("creativity_score", "no no no no. " * 9, " ".join(f"w{n}" for n in range(99)) + ". End."),
    ],
)
def test_scores_order_plain_cases(name: str, low: str, high: str) -> None:
    values = [
        float(profile("a.txt", text, size_bytes=0, clock=lambda: 0.0).features[name] or 0)
        for text in (low, high)
    ]
    assert values[0] + 0.1 < values[1]
