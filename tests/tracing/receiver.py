"""A receiver of OTLP over HTTP on loopback, which keeps what arrives as it was decoded."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.servers import http_server


@dataclass
class Receiver:
    """``status`` is what it answers with; ``bodies`` are the bytes of every request.

    While ``hold`` is set it takes what comes, says so with ``arrived``, and answers nothing."""

    url: str = ""
    status: int = 200
    spans: list[Any] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    resources: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    hold: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_EXPORTER_OTLP_TIMEOUT": "5"}

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
            ExportMetricsServiceRequest,
        )
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        with self.lock:
            self.headers.append(headers)
            self.bodies.append(body)
            if path == "/v1/traces":
                for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                    self.resources.append(group.resource)
                    self.spans += [one for scope in group.scope_spans for one in scope.spans]
            elif path == "/v1/logs":
                for logs in ExportLogsServiceRequest.FromString(body).resource_logs:
                    self.logs += [one for scope in logs.scope_logs for one in scope.log_records]
            elif path == "/v1/metrics":
                for found in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                    self.metrics += [one for scope in found.scope_metrics for one in scope.metrics]
            else:
                raise AssertionError(path)


def attributes(record: Any) -> dict[str, Any]:
    """The attributes of a span, log record or resource as plain values."""
    return {one.key: _plain(one.value) for one in record.attributes}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(one) for one in value.array_value.values]
    return getattr(value, kind)


@contextmanager
def otlp_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if receiver.status == 200:
                receiver.take(self.path, dict(self.headers), body)
            if receiver.hold.is_set():
                receiver.arrived.set()
                self.rfile.read(1)  # until who sent it is gone
                return
            self.send_response(receiver.status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http_server(Handler) as receiver.url:
        yield receiver
