"""Scripted faults: the script alone decides which request suffers which fault."""

import random
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from orchestration_assets.schemas.services import Strict

_Share = Annotated[float, Field(ge=0.0, le=1.0)]
_Seconds = Annotated[float, Field(ge=0.0)]


class FaultKind(StrEnum):
    """The kinds of faults that the server can show."""

    LATENCY = "latency"
    RATE_LIMIT = "rate_limit"
    OVERLOAD = "overload"
    ERROR = "error"
    HANG = "hang"
    SLOW_BODY = "slow_body"
    TRUNCATED = "truncated"
    WRONG_SCHEMA = "wrong_schema"
    CHATTY = "chatty"
    RESET = "reset"
    UNAUTHORISED = "unauthorised"
    REFUSED = "refused"


class Fault(Strict):
    """A fault and the requests that it hits: those that meet every condition given."""

    kind: FaultKind
    share: _Share = Field(default=1.0, description="share of the requests that it hits")
    seconds: _Seconds = Field(
        default=0.0, description="latency, slow_body: how long; rate_limit, overload: Retry-After"
    )
    first_times: int | None = Field(
        default=None, description="only so many times for the same request, then never again"
    )
    begin: int = Field(default=0, description="from this request on, counted from 0")
    end: int | None = Field(default=None, description="until before this request")
    begin_s: _Seconds = Field(default=0.0, description="from so many seconds after the start on")
    end_s: _Seconds | None = Field(default=None, description="until so many seconds after it")
    up_s: _Seconds = Field(default=0.0, description="flapping: so long all is well, then")
    down_s: _Seconds = Field(default=0.0, description="flapping: so long it strikes, and again")
    contains: str | None = Field(default=None, description="only requests with this text in them")


class ScriptedReply(Strict):
    """What a model says to the requests that meet every condition given."""

    contains: tuple[str, ...] = Field(
        min_length=1, description="every one of these texts stands in the messages"
    )
    model: str | None = Field(default=None, description="only of requests to this model")
    answer: Any = Field(description="the answer, as the request's JSON schema wants it")
    confidence: _Share | None = Field(
        default=None, description="stated with it; between 0.6 and 0.99 by default"
    )
    quotes: tuple[dict[str, str], ...] = Field(
        default=(), description="records: path and quote of values, where they are asked for"
    )

    def answers(self, model: str, prompt: str) -> bool:
        """Whether it is the reply to this prompt."""
        return self.model in {None, model} and all(text in prompt for text in self.contains)


class ScriptedCall(Strict):
    """One call of a tool: its name, and its arguments as JSON text, or what should be that."""

    name: str
    arguments: str = "{}"


class ScriptedCalls(Strict):
    """The calls of tools that a model makes before it answers the requests that meet a condition.

    ``replies`` are the calls of each reply; behind the last one the model answers, unless it is
    ``endless``: then it goes on with the last. A ``stubborn`` one calls tools where it may not.
    """

    contains: tuple[str, ...] = Field(
        min_length=1, description="every one of these texts stands in the messages"
    )
    replies: tuple[tuple[ScriptedCall, ...], ...] = Field(min_length=1)
    endless: bool = False
    stubborn: bool = False

    def calls_in(self, body: Mapping[str, Any], prompt: str) -> tuple[ScriptedCall, ...]:
        """The calls of the next reply to a request; none where it is an answer."""
        may_call = body.get("tool_choice") != "none" or self.stubborn
        if not (body.get("tools") and may_call and all(text in prompt for text in self.contains)):
            return ()
        done = sum(bool(one.get("tool_calls")) for one in body.get("messages") or ())
        if done >= len(self.replies):
            return self.replies[-1] if self.endless else ()
        return self.replies[done]


class FaultScript(Strict):
    """The behaviour of the server: a lognormal latency, faults and scripted replies."""

    seed: int = 0
    median_ms: Annotated[float, Field(ge=0.0)] = 0.0
    sigma: Annotated[float, Field(ge=0.0)] = Field(
        default=0.0, description="spread of the latency's logarithm; 0 is constant"
    )
    faults: tuple[Fault, ...] = ()
    answers: dict[str, str] = Field(
        default_factory=dict, description="text in the request -> the answer that it gets"
    )
    replies: tuple[ScriptedReply, ...] = Field(
        default=(), description="replies by several texts and by model; the first that fits counts"
    )

    calls: tuple[ScriptedCalls, ...] = Field(
        default=(), description="calls of tools before an answer; the first that fits counts"
    )

    def calls_in(self, body: Mapping[str, Any], prompt: str) -> tuple[ScriptedCall, ...]:
        """The scripted calls of the next reply to a request, if there are some."""
        found = (one.calls_in(body, prompt) for one in self.calls)
        return next(filter(None, found), ())

    def reply_to(self, model: str, prompt: str) -> ScriptedReply | None:
        """The scripted reply to a prompt, if there is one."""
        found = next((one for one in self.replies if one.answers(model, prompt)), None)
        if found is None:
            answers = (text for text in self.answers if text in prompt)
            found = next(
                (ScriptedReply(contains=(text,), answer=self.answers[text]) for text in answers),
                None,
            )
        return found

    def latency_s(self, key: str, time: int) -> float:
        """The usual latency of a request, in seconds."""
        if not self.sigma:
            return self.median_ms / 1000.0
        chance = random.Random(f"{self.seed}:latency:{key}:{time}")  # noqa: S311
        return self.median_ms / 1000.0 * chance.lognormvariate(0.0, self.sigma)


def active_faults(
    faults: Sequence[Fault], seed: int, *, key: str, time: int, number: int, clock: float, text: str
) -> list[Fault]:
    """The faults that hit a request.

    ``key`` identifies the request, ``time`` counts its earlier arrivals, ``number`` all requests
    before it; ``clock`` is seconds since the start. The random draw depends on seed, key and time
    alone, not on the order in which requests arrive.
    """
    active = []
    for position, fault in enumerate(faults):
        period = fault.up_s + fault.down_s
        if number < fault.begin or (fault.end is not None and number >= fault.end):
            continue
        if fault.first_times is not None and time >= fault.first_times:
            continue
        if clock < fault.begin_s or (fault.end_s is not None and clock >= fault.end_s):
            continue
        if period and clock % period < fault.up_s:
            continue
        if fault.contains is not None and fault.contains not in text:
            continue
        chance = random.Random(f"{seed}:{position}:{key}:{time}")  # noqa: S311
        if chance.random() < fault.share:
            active.append(fault)
    return active
