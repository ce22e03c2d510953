"""The measurements of the GenAI conventions: how long operations at services over HTTP took, and
the tokens that they used. They count every item of a batch, whether it is traced or not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
    """One value for a histogram: seconds or tokens."""

    histogram: str
    value: float
    attributes: Attributes


def measurements(calls: pa.Table, endpoints: Mapping[str, Attributes]) -> Iterator[Measurement]:
    """What the operations of ``call_log`` measured; ``endpoints``: service -> its attributes."""
    services = pa.array(list(endpoints), pa.string())
    asked = calls.filter(
        pc.and_(pc.equal(calls["origin"], CALLED), pc.is_in(calls["called"], value_set=services))
    )
    for one in operations_of(attempts_of(asked)):
        yield from _measured(one, endpoints[one.called])


def _measured(one: Operation, endpoint: Attributes) -> Iterator[Measurement]:
    found: dict[str, Attribute] = dict(endpoint)
    if one.last.response_model is not None:
        found["gen_ai.response.model"] = one.last.response_model
    error = one.last.error
    ended = {**found, "error.type": error} if error else found
    yield Measurement(DURATION, (one.end_ns - one.start_ns) / 1e9, ended)
    for kind, tokens in (("input", one.tokens_in), ("output", one.tokens_out)):
        if tokens is not None:
            yield Measurement(TOKENS, tokens, {**found, "gen_ai.token.type": kind})
