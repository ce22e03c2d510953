"""Arithmetic of somebody else's expressions: exact, bounded, and nothing is run."""

import warnings

import pytest

from orchestration_assets.text.arithmetic import CalculationError, calculate


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.1 + 0.2", "0.3"),
        ("1/3", "0.333333333333"),
        # no digit of a sum is lost, however large it is
        ("1234567890123.45 + 0.10", "1234567890123.55"),
        ("123456789012345.5", "123456789012345.5"),
        ("10**30 + 1/4", "1000000000000000000000000000000.25"),
        ("-7 // 2", "-4"),
        ('date("2024-01-31") + days(30)', "2024-03-01"),
        ('convert(0, "C", "F")', "32"),
    ],
)
def test_values_are_exact(expression: str, value: str) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    "expression", ["1if 1else 2", '"\\d"', "0x1for x in y", "2**2048", "1e400"]
)
def test_what_is_refused_writes_nothing_to_the_terminal(expression: str) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(CalculationError):
            calculate(expression)
    assert told == []
