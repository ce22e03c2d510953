import pytest

from orchestration_assets.schemas.policy import Choice
from orchestration_assets.selection.forecast import Forecast, Price, forecast

PRICES = {
    "cheap": Price(0.1, 0.0),
    "dear": Price(5.0, 0.002),
    "judge": Price(1.0, 0.001),
    "router": Price(0.5, 0.0),
}
BOTH = {"services": ["cheap", "dear"]}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"model": "sequential", **BOTH, "stop_at": 0.9}, (1, 2, 5.1, 0.002)),
        ({"model": "sequential", **BOTH, "stop_at": 0.9, "min_readings": 2}, (2, 2, 5.1, 0.002)),
        ({"model": "sequential", **BOTH, "chain": True}, (2, 2, 5.1, 0.002)),
        ({"model": "parallel", **BOTH}, (2, 2, 5.0, 0.002)),
        ({"model": "iterative", **BOTH, "rounds": {"max_rounds": 3}}, (2, 6, 15.0, 0.006)),
        ({"model": "iterative", **BOTH, "panel": {"max_rounds": 2}}, (2, 4, 10.0, 0.004)),
        ({"model": "hybrid", **BOTH}, (2, 2, 5.0, 0.002)),
        ({"model": "hybrid", **BOTH, "after": {"dear": ["cheap"]}}, (2, 2, 5.1, 0.002)),
        ({"model": "parallel", **BOTH, "judge": {"service": "judge"}}, (2, 3, 6.0, 0.003)),
        (
            {"model": "parallel", **BOTH, "judge": {"service": "judge", "when": "always"}},
            (3, 3, 6.0, 0.003),
        ),
        (
            {
                "model": "parallel",
                "services": ["cheap"],
                "escalate": {"below": 0.9, "to": {"model": "sequential", "services": ["dear"]}},
            },
            (1, 2, 5.1, 0.002),
        ),
        (
            {
                "model": "hybrid",
                "route": {
                    "task": "t",
                    "service": "router",
                    "to": {"a": {"model": "sequential", "services": ["cheap"]}},
                    "otherwise": {"model": "parallel", **BOTH},
                },
            },
            (2, 3, 5.5, 0.002),
        ),
    ],
)
def test_a_forecast_bounds_calls_time_and_cost(choice, expected) -> None:
    ahead = forecast(Choice.model_validate(choice), PRICES)
    assert (ahead.calls_min, ahead.calls_max) == expected[:2]
    assert ahead.expected_ms == pytest.approx(expected[2])
    assert ahead.cost_usd_max == pytest.approx(expected[3])


def test_either_way_is_bounded_by_the_wider_of_both() -> None:
    one, other = Forecast(1, 2, 3.0, 4.0), Forecast(0, 5, 1.0, 9.0)
    assert one.either(other) == Forecast(0, 5, 3.0, 9.0)
