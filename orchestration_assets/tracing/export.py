"""Sends the records of traces to receivers of OpenTelemetry, with its own exporters.

Which exporters, where to, and with which headers say the standard ``OTEL_*`` variables. Spans are
made as finished ones: they ended long ago, and their ids are hashes.
"""

import logging
import os
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from orchestration_assets import __version__
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.tracing.measurements import HISTOGRAMS, Counted
from orchestration_assets.tracing.spans import EventRecord, SpanRecord, span_id

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter, MetricsData
    from opentelemetry.sdk.trace.export import SpanExporter

_SCOPE: Final = "content-orchestration"
_INSTALL: Final = "pip install 'content-orchestration[otel]'"
_AT_ONCE: Final = 512
"""Spans of one request; the default of OTEL_BSP_MAX_EXPORT_BATCH_SIZE."""
_TEMPORALITY: Final = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
_DELTA: Final = frozenset({"delta", "lowmemory"})
"""Preferences by which histograms are told since the last time."""
_PROTOCOLS: Final = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
_HTTP: Final = "opentelemetry.exporter.otlp.proto.http"
_USUAL: Final = {
    (signal, "otlp_proto_http"): EntryPoint("otlp_proto_http", value, "")
    for signal, value in (
        ("traces", f"{_HTTP}.trace_exporter:OTLPSpanExporter"),
        ("metrics", f"{_HTTP}.metric_exporter:OTLPMetricExporter"),
        ("logs", f"{_HTTP}._log_exporter:OTLPLogExporter"),
    )
}
"""What the extra installs: looking for it among all distributions takes longer than loading it."""


class TracingError(OrchestrationError):
    """Traces cannot be sent; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Receivers:
    """What takes spans, log records and measurements; none of a kind that is switched off.

    ``delta``: measurements are told since the last time, not since the process began.
    """

    spans: "tuple[SpanExporter, ...]" = ()
    logs: "tuple[LogRecordExporter, ...]" = ()
    metrics: "tuple[MetricExporter, ...]" = ()
    delta: bool = False


def receivers(environment: Mapping[str, str] = os.environ) -> Receivers:
    """The receivers that ``OTEL_TRACES_EXPORTER``, ``_LOGS_`` and ``_METRICS_`` name, otlp by
    default. Raises TracingError, also where the optional extra is not installed."""
    try:
        import opentelemetry.sdk.trace  # noqa: F401 -- whether it is there
    except ImportError as error:
        raise TracingError(f"OpenTelemetry is not installed: {_INSTALL}") from error
    with _gathered_problems() as problems:
        found = Receivers(
            tuple(_made("traces", environment)),
            tuple(_made("logs", environment)),
            tuple(_made("metrics", environment)),
            environment.get(_TEMPORALITY, "").strip().lower() in _DELTA,
        )
    if problems:
        raise TracingError(problems[0])
    return found


def _made(signal: str, environment: Mapping[str, str]) -> Iterable[Any]:
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    given = environment.get(variable, "").strip() or "otlp"
    for name in (one.strip() for one in given.split(",")):
        if name and name != "none":
            yield _exporter(signal, variable, name, environment)


def _exporter(signal: str, variable: str, name: str, environment: Mapping[str, str]) -> Any:
    if name == "otlp":
        variable = f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL"
        if variable not in environment:
            variable = "OTEL_EXPORTER_OTLP_PROTOCOL"
        protocol = environment.get(variable, "").strip() or "http/protobuf"
        name = _PROTOCOLS.get(protocol, protocol)
    group = f"opentelemetry_{signal}_exporter"
    found = _USUAL.get((signal, name)) or next(iter(entry_points(group=group, name=name)), None)
    if found is None:
        known = ", ".join(sorted(one.name for one in entry_points(group=group)))
        raise TracingError(
            f"{variable}: no exporter {name} is installed; installed: {known or 'none'} "
            f"({_INSTALL})"
        )
    try:
        return found.load()()
    except ImportError as error:
        raise TracingError(f"{variable}: {name} cannot be loaded ({error}): {_INSTALL}") from error
    except Exception as error:
        raise TracingError(f"{variable}: the exporter {name} cannot be made: {error}") from error


class Exporter:
    """Sends to receivers, as one instance of a service. ``close`` it at the end."""

    def __init__(self, receivers: Receivers, environment: Mapping[str, str] = os.environ) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        self._receivers = receivers
        named = "service.name=" in environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
        about = {"service.version": __version__, "service.instance.id": str(uuid4())}
        if not named and not environment.get("OTEL_SERVICE_NAME"):
            about["service.name"] = _SCOPE
        self._resource = Resource.create(about)
        self._scope = InstrumentationScope(_SCOPE, __version__)
        self._counted = Counted()
        self._since_ns = time.time_ns()

    def spans(self, trace: int, records: Sequence[SpanRecord]) -> None:
        """Sends spans of a trace. Raises TracingError when they do not arrive."""
        made = [self._span(trace, one) for one in records] if self._receivers.spans else []
        for one in self._receivers.spans:
            self._send(one.export, made)

    def events(self, trace: int, records: Sequence[EventRecord]) -> None:
        """Sends events of a trace, as log records that name their span, as the conventions have
        it. Raises TracingError when they do not arrive."""
        made = [self._event(trace, one) for one in records] if self._receivers.logs else []
        for one in self._receivers.logs:
            self._send(one.export, made)

    def measure(self, count: Callable[[Counted], None]) -> None:
        """Has measurements counted and sends the histograms, where there are any. Raises
        TracingError when they do not arrive."""
        if not self._receivers.metrics:
            return
        count(self._counted)
        if not self._counted:
            return
        now_ns = time.time_ns()
        for one in self._receivers.metrics:
            with _gathered_problems() as problems:
                result = one.export(self._histograms(now_ns))
            if result.name != "SUCCESS":
                raise TracingError(_refused(problems))
        if self._receivers.delta:
            self._counted, self._since_ns = Counted(), now_ns

    def _histograms(self, now_ns: int) -> "MetricsData":
        from opentelemetry.sdk.metrics import export as sdk

        kind = sdk.AggregationTemporality
        temporality = kind.DELTA if self._receivers.delta else kind.CUMULATIVE
        metrics = [
            sdk.Metric(
                name,
                HISTOGRAMS[name].description,
                HISTOGRAMS[name].unit,
                sdk.Histogram(
                    [
                        sdk.HistogramDataPoint(
                            dict(attributes),
                            self._since_ns,
                            now_ns,
                            one.count,
                            one.total,
                            one.counts,
                            HISTOGRAMS[name].bounds,
                            one.least,
                            one.most,
                        )
                        for attributes, one in series.items()
                    ],
                    temporality,
                ),
            )
            for name, series in self._counted.histograms.items()
            if series
        ]
        of_scope = sdk.ScopeMetrics(self._scope, metrics, "")
        return sdk.MetricsData([sdk.ResourceMetrics(self._resource, [of_scope], "")])

    def close(self) -> None:
        """Closes connections."""
        to = self._receivers
        every: list[Any] = [*to.spans, *to.logs, *to.metrics]
        with _gathered_problems():
            for one in every:
                one.shutdown()

    def _send(self, export: Callable[[Sequence[Any]], Any], made: Sequence[Any]) -> None:
        for start in range(0, len(made), _AT_ONCE):
            with _gathered_problems() as problems:
                result = export(made[start : start + _AT_ONCE])
            if result.name != "SUCCESS":
                raise TracingError(_refused(problems))

    def _span(self, trace: int, one: SpanRecord) -> Any:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import Link, SpanKind, Status, StatusCode

        attributes = {**one.attributes, "error.type": one.error} if one.error else one.attributes
        return ReadableSpan(
            one.name,
            _context(trace, span_id(trace, one.key)),
            None if one.parent is None else _context(trace, span_id(trace, one.parent)),
            self._resource,
            attributes,
            links=tuple(Link(_context(*before)) for before in one.links),
            kind=SpanKind.CLIENT if one.client else SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR) if one.error else Status(StatusCode.UNSET),
            start_time=one.start_ns,
            end_time=max(one.start_ns, one.end_ns),
            instrumentation_scope=self._scope,
        )

    def _event(self, trace: int, one: EventRecord) -> Any:
        from opentelemetry._logs import LogRecord, SeverityNumber
        from opentelemetry.sdk._logs import ReadableLogRecord
        from opentelemetry.trace import NonRecordingSpan, set_span_in_context

        about = NonRecordingSpan(_context(trace, span_id(trace, one.span)))
        record = LogRecord(
            timestamp=one.at_ns,
            observed_timestamp=one.at_ns,
            context=set_span_in_context(about),
            severity_number=SeverityNumber.INFO,
            attributes=one.attributes,
            event_name=one.name,
        )
        return ReadableLogRecord(record, self._resource, self._scope)


def _refused(problems: Sequence[str]) -> str:
    why = problems[0] if problems else "it refuses them"
    return f"the receiver that OTEL_EXPORTER_OTLP_ENDPOINT names does not take them ({why})"


def _context(trace: int, span: int) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(trace, span, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


@contextmanager
def _gathered_problems() -> Generator[list[str], None, None]:
    """What OpenTelemetry logs as errors meanwhile, which is where it says why nothing arrived."""
    logger, problems = logging.getLogger("opentelemetry"), list[str]()

    class Gathers(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR:
                problems.append(" ".join(record.getMessage().split())[:300])

    handler, propagates = Gathers(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield problems
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates
