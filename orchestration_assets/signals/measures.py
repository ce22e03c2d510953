"""One measured figure of a signal, and what each kind of figure is made of: all pure."""

from dataclasses import dataclass, field
from typing import Final

from orchestration_assets.evidence.intervals import Z, wilson_of_share
from orchestration_assets.evidence.weighted_estimates import student
from orchestration_assets.schemas.signals import LATENCIES, LatencyBucket, Signal
from orchestration_assets.signals.latency_sketch import quantile_ms


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What a signal is about; what is empty stands for all of them."""

    service: str = ""
    task: str = ""
    tier: str = ""


ALL: Final = Subject()


@dataclass(frozen=True, slots=True)
class SignalMeasure:
    """The value of one signal of one subject, with what it can be added up by.

    Fields are the columns of the same names of the table ``golden_signals``.
    """

    signal: Signal
    subject: Subject
    value: float
    low: float | None = None
    high: float | None = None
    count: int | None = None
    numerator: float | None = None
    denominator: float | None = None
    effective: float | None = None
    latencies: tuple[LatencyBucket, ...] | None = field(default=None)


def share(signal: Signal, subject: Subject, part: int, whole: int) -> SignalMeasure:
    """A counted share with its 95 % interval (Wilson 1927); ``whole`` is above 0."""
    low, high = wilson_of_share(part / whole, whole, Z)
    return SignalMeasure(
        signal, subject, part / whole, low, high, whole, numerator=part, denominator=whole
    )


def weighted_share(
    signal: Signal, subject: Subject, hits: float, weight: float, effective: float, count: int
) -> SignalMeasure:
    """The share ``hits`` / ``weight`` of all weight, from so many answers that tell as much as
    ``effective`` of an even sample: Wilson's interval on that size, at Student's quantile."""
    mean = min(max(hits / weight, 0.0), 1.0)
    size = max(effective, 1.0)
    low, high = wilson_of_share(mean, size, student(max(size - 1.0, 1.0)))
    return SignalMeasure(signal, subject, mean, low, high, count, hits, weight, effective)


def ratio(signal: Signal, subject: Subject, part: float, whole: float, count: int) -> SignalMeasure:
    """A quotient of two amounts that add up over batches; ``whole`` is above 0."""
    return SignalMeasure(
        signal, subject, part / whole, count=count, numerator=part, denominator=whole
    )


def latency_measures(subject: Subject, held: tuple[LatencyBucket, ...]) -> list[SignalMeasure]:
    """The quantiles of a sketch that is not empty."""
    count = sum(one.attempts for one in held)
    return [
        SignalMeasure(signal, subject, value, count=count)
        for signal, quantile in LATENCIES.items()
        if (value := quantile_ms(held, quantile)) is not None
    ]
