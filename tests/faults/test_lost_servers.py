"""Redis and an S3 server that go away during runs, and come back: both only save time."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.conftest import KNOWN
from tests.resources.feature_cache.conftest import redis_server
from tests.servers import free_port

pytestmark = pytest.mark.slow

S3 = """
import sys, threading
from moto.server import ThreadedMotoServer
ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False).start()
print("ready", flush=True)
threading.Event().wait()
"""


@contextmanager
def s3_server(port: int) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", S3, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        try:
            yield server
        finally:
            server.kill()


def cached_in(place, settings: str) -> None:
    place.policy.write_text(f"{place.policy.read_text()}execution: {{cache: {settings}}}\n")


def is_away_and_back(place, environment: dict[str, str], away, back) -> None:
    """Runs with the server there, gone, and there again."""
    place.add(2)
    place.finishes(environment=environment)
    away()
    place.add(2)
    command = place.finishes(environment=environment)
    assert "Traceback" not in command.said
    assert "secret-word" not in command.said
    back()
    place.add(2)
    place.finishes(environment=environment)
    assert place.repeated == []
    assert len(place.calls) == 6
    assert len(place.rows("resolutions")) == KNOWN + 6


def test_redis_is_frozen_and_goes_on(place, tmp_path) -> None:
    with redis_server(tmp_path) as (url, server):
        cached_in(place, "{redis_url_env: THE_REDIS}")
        is_away_and_back(
            place,
            {"THE_REDIS": url},
            lambda: server.send_signal(signal.SIGSTOP),
            lambda: server.send_signal(signal.SIGCONT),
        )


def test_an_s3_server_is_away_and_back(place) -> None:
    pytest.importorskip("s3fs")
    port = free_port()
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "secret-word",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    cached_in(place, "{local_bytes: 0, durable: 's3://cache-bucket/features'}")
    with s3_server(port) as first:
        make_bucket(port)
        servers = []

        def back() -> None:
            servers.append(s3_server(port))
            servers[-1].__enter__()
            make_bucket(port)

        try:
            is_away_and_back(place, environment, lambda: (first.kill(), first.wait()), back)
        finally:
            for server in servers:
                server.__exit__(None, None, None)


def make_bucket(port: int) -> None:
    import urllib.request

    request = urllib.request.Request(f"http://127.0.0.1:{port}/cache-bucket", method="PUT")
    with urllib.request.urlopen(request, timeout=60):
        pass
