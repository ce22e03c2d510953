"""The measurements of the GenAI conventions: how long operations at services over HTTP took, and
the tokens that they used. They count every item of a batch, whether it is traced or not.

They are counted into buckets here: recording each by itself would cost more than all spans.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.processing.asker import CALLED
from orchestration_assets.tracing.operations import Operation, attempts_of, operations_of
from orchestration_assets.tracing.spans import Attribute, Attributes

DURATION: Final = "gen_ai.client.operation.duration"
TOKENS: Final = "gen_ai.client.token.usage"


@dataclass(frozen=True, slots=True)
class Instrument:
    """A histogram's unit, meaning and upper bounds of buckets, as the conventions advise them."""

    unit: str
    description: str
    bounds: tuple[float, ...]


HISTOGRAMS: Final = {
    DURATION: Instrument("s", "GenAI operation duration.", tuple(0.01 * 2**n for n in range(14))),
    TOKENS: Instrument(
        "{token}",
        "Number of input and output tokens used.",
        tuple(float(4**n) for n in range(14)),
    ),
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value for a histogram, in seconds or tokens.

    ``endpoint`` names the service whose attributes it has; ``extra`` are those that it has besides.
    """

    histogram: str
    value: float
    endpoint: str
    extra: tuple[tuple[str, Attribute], ...]


@dataclass(slots=True)
class Buckets:
    """Values counted by the upper bounds of their buckets; one more bucket is above all bounds."""

    counts: list[int]
    count: int = 0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf

    def add(self, value: float, bounds: tuple[float, ...]) -> None:
        self.counts[bisect_left(bounds, value)] += 1
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)


@dataclass(frozen=True, slots=True)
class Counted:
    """Histogram -> attributes -> buckets; ``add`` counts further measurements in."""

    histograms: dict[str, dict[tuple[tuple[str, Attribute], ...], Buckets]] = field(
        default_factory=lambda: {name: {} for name in HISTOGRAMS}
    )

    def add(self, found: Iterable[Measurement], endpoints: Mapping[str, Attributes]) -> None:
        common = {name: tuple(one.items()) for name, one in endpoints.items()}
        for one in found:
            bounds = HISTOGRAMS[one.histogram].bounds
            attributes = common[one.endpoint] + one.extra
            series = self.histograms[one.histogram]
            buckets = series.get(attributes)
            if buckets is None:
                buckets = series[attributes] = Buckets([0] * (len(bounds) + 1))
            buckets.add(one.value, bounds)

    def __bool__(self) -> bool:
        return any(self.histograms.values())


def measurements(calls: pa.Table, services: Iterable[str]) -> Iterator[Measurement]:
    """What the operations of ``call_log`` at services over HTTP measured."""
    asked = calls.filter(
        pc.and_(
            pc.equal(calls["origin"], CALLED),
            pc.is_in(calls["called"], value_set=pa.array(list(services), pa.string())),
        )
    )
    for one in operations_of(attempts_of(asked)):
        yield from _measured(one)


def _measured(one: Operation) -> Iterator[Measurement]:
    last, error = one.last, one.last.error
    model: tuple[tuple[str, Attribute], ...] = (
        (("gen_ai.response.model", last.response_model),) if last.response_model else ()
    )
    ended = (*model, ("error.type", error)) if error else model
    yield Measurement(DURATION, (one.end_ns - one.start_ns) / 1e9, one.called, ended)
    for kind, tokens in (("input", one.tokens_in), ("output", one.tokens_out)):
        if tokens is not None:
            of_kind = (*model, ("gen_ai.token.type", kind))
            yield Measurement(TOKENS, tokens, one.called, of_kind)
