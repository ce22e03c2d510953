"""Servers of our own for tests: HTTP on loopback, and databases where their binaries are."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import BaseWSGIServer, make_server


@contextmanager
def http_server(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Its address, such as ``http://127.0.0.1:43210``."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    thread = threading.Thread(
        target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join(10.0)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _binaries() -> Path:
    """Where initdb and postgres are: on the path, or where Debian puts them."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not found:
        pytest.skip("needs PostgreSQL (apt-get install postgresql)")
    return found[0]


@dataclass
class Postgres:
    """A server on loopback; ``url`` has a user, a password and an empty database."""

    folder: Path
    port: int
    binaries: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://dagster:secret-word@127.0.0.1:{self.port}/dagster"

    def start(self) -> None:
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            [
                self.binaries / "postgres",
                *("-D", self.folder / "data", "-p", str(self.port)),
                *(
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    f"unix_socket_directories={self.folder}",
                ),
                *("-c", "fsync=off"),
            ],
            **_user(),
            cwd=self.folder,
            stdout=log,
            stderr=log,
        )
        log.close()
        ready = [self.binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        for _ in range(1_800):
            if subprocess.run(ready, check=False).returncode == 0:
                return
            time.sleep(0.1)
        said = (self.folder / "server.log").read_text()[-2_000:]
        pytest.fail(f"PostgreSQL does not start:\n{said}")

    def stop(self) -> None:
        if self.process is not None:
            # fast shutdown: connections are ended, not waited for
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(180)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


def _user() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    return {"user": "postgres"} if os.geteuid() == 0 else {}


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Its data lie beside pytest's own folders, which only their owner may enter."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Postgres(folder, free_port(), _binaries())
    (folder / "word").write_text("secret-word")
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        (folder / "word").chmod(0o644)
    subprocess.run(
        [
            server.binaries / "initdb",
            *("-D", folder / "data", "-U", "dagster", "--auth=scram-sha-256"),
            *("--pwfile", folder / "word", "-E", "UTF8", "--no-sync"),
        ],
        **_user(),
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        server.start()
        subprocess.run(
            [
                server.binaries / "createdb",
                *("-h", "127.0.0.1", "-p", str(server.port), "-U", "dagster", "dagster"),
            ],
            env={**os.environ, "PGPASSWORD": "secret-word"},
            check=True,
        )
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class S3Server:
    """An S3-compatible server on loopback, which keeps its objects while it is stopped.

    One request at a time, so that its check of a condition and its write are never interleaved.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self._server: BaseWSGIServer | None = None

    @property
    def is_running(self) -> bool:
        return self._server is not None

    @property
    def environment(self) -> dict[str, str]:
        """What the store's client needs to find it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def start(self) -> None:
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )

        application = DomainDispatcherApplication(create_backend_app)
        turn = threading.Lock()

        def one_at_a_time(environment: Any, respond: Any) -> list[bytes]:
            with turn:
                return list(application(environment, respond))

        self._server = make_server(
            "127.0.0.1", self.port, one_at_a_time, True, request_handler=MotoRequestHandler
        )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server with an empty bucket ``bucket``; this process and its children find it."""
    import fsspec

    server = S3Server()
    server.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in server.environment.items():
                patch.setenv(name, value)
            store = fsspec.filesystem("s3", skip_instance_cache=True)
            # what servers hold is one for the process: an earlier test may have left its own
            if store.exists("bucket"):
                store.rm("bucket", recursive=True)
            store.mkdir("bucket")
            yield server
            if not server.is_running:
                server.start()
            fsspec.filesystem("s3", skip_instance_cache=True).rm("bucket", recursive=True)
    finally:
        server.stop()
