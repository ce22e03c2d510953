"""What the call log of a batch shows: latency, traffic, errors, tokens, how places are filled."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.signals import Signal
from orchestration_assets.signals.latency_sketch import sketch
from orchestration_assets.signals.measures import (
    ALL,
    SignalMeasure,
    Subject,
    latency_measures,
    ratio,
    share,
)

CALL_COLUMNS: Final = (
    *("called", "origin", "attempt", "status", "started_at", "elapsed_ms"),
    *("tokens_in", "tokens_out"),
)
ANSWERS: Final = "answers"
"""The tier of the cache that holds finished answers."""
_ANSWERED: Final = pa.array([Status.OK.value, Status.ABSTAINED.value, Status.FALLBACK.value])
_CACHED: Final = pa.array(["cache", "shared"])
_US_PER_MS: Final = 1000.0
_CLOCKS_MS: Final = 0.01
"""Start and time of an attempt are of two clocks: one after the other may seem to overlap."""

Times = NDArray[np.float64]


def call_measures(log: pa.Table) -> Iterator[SignalMeasure]:
    """The measures of all calls, and those of each service that was called, by name.

    ``log`` has the columns ``CALL_COLUMNS`` of the call log of one batch.
    """
    called = log.filter(pc.equal(log["origin"], "called"))
    yield from _answer_cache(log, called)
    if not called.num_rows:
        return
    names = called["called"].combine_chunks().dictionary_encode()
    codes = pc.fill_null(names.indices, -1).to_numpy(zero_copy_only=False)
    since = called["started_at"].cast(pa.int64()).to_numpy()
    start = (since - since.min()) / _US_PER_MS
    elapsed = np.maximum(called["elapsed_ms"].to_numpy(), 0.0)
    answered = pc.is_in(called["status"], _ANSWERED).to_numpy(zero_copy_only=False)
    counted = pc.is_valid(called["tokens_in"]).to_numpy(zero_copy_only=False)
    tokens = _numbers(called["tokens_in"]) + _numbers(called["tokens_out"])
    subjects = [(ALL, np.ones(len(codes), dtype=bool))]
    services = names.dictionary.to_pylist()
    subjects += [
        (Subject(service=name), codes == code)
        for code, name in sorted(enumerate(services), key=lambda pair: str(pair[1]))
    ]
    for subject, own in subjects:
        yield from _of_subject(
            subject, start[own], elapsed[own], answered[own], tokens[own & counted]
        )


def _of_subject(
    subject: Subject, start: Times, elapsed: Times, answered: NDArray[np.bool_], tokens: Times
) -> Iterator[SignalMeasure]:
    held, attempts = sketch(elapsed[answered]), len(start)
    yield SignalMeasure(Signal.CALLS, subject, float(attempts), count=attempts, latencies=held)
    yield from latency_measures(subject, held)
    failed = attempts - int(answered.sum())
    yield share(Signal.ERROR_RATE, subject, failed, attempts)
    busy = busy_ms(start, elapsed)
    if busy > 0.0 and len(tokens):
        yield ratio(
            Signal.TOKENS_PER_SECOND, subject, float(tokens.sum()), busy / 1000.0, len(tokens)
        )
    if busy > 0.0 and subject == ALL:
        places = max(busy * peak(start, elapsed), float(elapsed.sum()))
        yield ratio(Signal.PARALLEL_EFFICIENCY, subject, float(elapsed.sum()), places, attempts)


def _answer_cache(log: pa.Table, called: pa.Table) -> Iterator[SignalMeasure]:
    """How many questions were answered without a call."""
    hits = int(pc.sum(pc.is_in(log["origin"], _CACHED)).as_py() or 0)
    first = int(pc.sum(pc.equal(called["attempt"], 1)).as_py() or 0)
    if hits + first:
        yield share(Signal.CACHE_HIT_RATE, Subject(tier=ANSWERS), hits, hits + first)


def _numbers(column: pa.ChunkedArray) -> Times:
    found: Times = pc.fill_null(column, 0).to_numpy().astype(np.float64)
    return found


def busy_ms(start: Times, elapsed: Times) -> float:
    """How long at least one attempt was under way, in ms, of attempts that start at ``start`` (n,)
    and take ``elapsed`` (n,) ms."""
    order = np.argsort(start, kind="stable")
    begins, ends = start[order], (start + elapsed)[order]
    reached = np.maximum.accumulate(ends)
    gaps = np.maximum(begins[1:] - reached[:-1], 0.0).sum()
    return max(float(reached[-1] - begins[0] - gaps), 0.0)


def peak(start: Times, elapsed: Times) -> int:
    """The most attempts that were under way at once; one that ends as another begins is not."""
    moments = np.concatenate([start + np.maximum(elapsed - _CLOCKS_MS, 0.0), start])
    changes = np.concatenate([-np.ones(len(start)), np.ones(len(start))])
    # ends come first of equal moments; an attempt that takes no time would end before it begins
    order = np.lexsort((changes, moments))
    return max(int(np.cumsum(changes[order]).max()), 1)
