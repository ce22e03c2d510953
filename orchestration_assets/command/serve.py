"""`orchestrate serve`: the explorer of a home, on this machine unless a token is set."""

import os
import re
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from orchestration_assets.command.explain import explanation
from orchestration_assets.command.worker_processes import MOST_WORKERS, ServeError, keep_working
from orchestration_assets.explorer.app import build_app
from orchestration_assets.explorer.desk_marks import FILE as MARKS
from orchestration_assets.explorer.guard import allowed_hosts, is_loopback
from orchestration_assets.explorer.index_files import FOLDER, IndexFiles
from orchestration_assets.explorer.item_rows import ItemRows
from orchestration_assets.explorer.review_desk import ReviewDesk
from orchestration_assets.explorer.sessions import Signer, kept_key
from orchestration_assets.explorer.site import ServeSettings, Site
from orchestration_assets.explorer.upkeep import Upkeep
from orchestration_assets.explorer.verdict_log import VerdictLog
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.errors import os_problem
from orchestration_assets.settings import Settings
from resources.home import Home

TOKEN_VARIABLE: Final = "ORCHESTRATION_SERVE_TOKEN"  # noqa: S105 -- the name of a variable
DAGSTER_VARIABLE: Final = "ORCHESTRATION_DAGSTER_URL"
_LEAST_TOKEN: Final = 16
_WEB: Final = re.compile(r"https?://[^\s\"'<>]+")


def serve_settings(
    host: str,
    names: Sequence[str],
    token_variable: str,
    *,
    read_only: bool,
    environment: Mapping[str, str] = os.environ,
) -> ServeSettings:
    """How the explorer is served. Raises ServeError for what would let anybody in."""
    token = environment.get(token_variable) or None
    if token is not None and len(token) < _LEAST_TOKEN:
        raise ServeError(
            f"{token_variable}: has fewer than {_LEAST_TOKEN} characters; make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe())"'
        )
    if token is None and not is_loopback(host):
        raise ServeError(
            f"--host {host}: other machines could reach it; set {token_variable} to a token of "
            f"{_LEAST_TOKEN} characters or more, or leave out --host"
        )
    hosts = allowed_hosts(host, names)
    if not hosts:
        raise ServeError(f"--host {host}: say by --allow-host under which names it is asked for")
    dagster = environment.get(DAGSTER_VARIABLE, "").rstrip("/")
    if dagster and not _WEB.fullmatch(dagster):
        raise ServeError(f"{DAGSTER_VARIABLE}: give an address such as http://127.0.0.1:3000")
    return ServeSettings(hosts, token, read_only, dagster)


def build_site(settings: Settings, served: ServeSettings, index_folder: Path, key: bytes) -> Site:
    """A home as it is served, its indexes in a folder. Raises PolicyError and DeskMarksError."""
    home = Home(settings.home)
    log = VerdictLog(home.verdicts)
    return Site(
        home=home,
        policy=load_policy(settings.policy),
        settings=served,
        index_files=IndexFiles(home.tables, index_folder),
        rows=ItemRows(home.tables, index_folder),
        log=log,
        desk=ReviewDesk(home, log, marks=index_folder / MARKS),
        signer=Signer(key, served.token),
        explain=explanation,
    )


def serve(settings: Settings, served: ServeSettings, host: str, port: int, workers: int = 1) -> int:
    """Serves the home until it is stopped; returns the exit code.

    With several ``workers`` each is a process that makes pages, and this one keeps the indexes.
    Raises ServeError and PolicyError.
    """
    if not settings.home.is_dir():
        raise ServeError(
            f"{settings.home}: there is no such home; make one: orchestrate run SOURCE"
        )
    if not 1 <= workers <= MOST_WORKERS:
        raise ServeError(f"--workers {workers}: give a number from 1 to {MOST_WORKERS}")
    with ExitStack() as stack:
        folder = _index_folder(settings.home, served, stack)
        # who had what before them is of the last server
        (folder / MARKS).unlink(missing_ok=True)
        key = kept_key(folder)
        site = build_site(settings, served, folder, key)
        listening = stack.enter_context(_listening(host, port))
        stack.enter_context(Upkeep(site.index_files, site.rows))
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listening.getsockname()[1]}/"
        sys.stdout.write(f"{settings.home} is served on {address} (Ctrl-C ends it)\n")
        sys.stdout.flush()
        try:
            if workers == 1:
                serve_socket(site, listening)
            else:
                keep_working(workers, serve_part, (settings, served, folder, key, listening))
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")
    return 0


def serve_part(
    settings: Settings, served: ServeSettings, folder: Path, key: bytes, listening: socket.socket
) -> None:
    """Serves a home that another process indexes, on a socket that others serve too."""
    with suppress(KeyboardInterrupt):
        serve_socket(build_site(settings, served, folder, key), listening)


def serve_socket(site: Site, listening: socket.socket) -> None:
    """Serves a site until a signal stops it. Raises KeyboardInterrupt for Ctrl-C."""
    import uvicorn

    config = uvicorn.Config(
        build_app(site),
        access_log=False,
        log_level="warning",
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=16_384,
        limit_concurrency=200,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _index_folder(home: Path, served: ServeSettings, stack: ExitStack) -> Path:
    """Where indexes are kept: in the home's cache, unless nothing may be written there."""
    folder = home / "cache" / FOLDER
    if not served.read_only and os.access(home, os.W_OK):
        return folder
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orchestrate-")))


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ServeError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), port))
        # whoever asks before the server is ready waits, and is not refused
        listening.listen(128)
    except OverflowError as error:
        listening.close()
        raise ServeError(f"--port {port}: give a number from 0 to 65535") from error
    except OSError as error:
        listening.close()
        raise ServeError(
            f"--port {port}: {host} cannot be listened on: {os_problem(error)}; give another --port"
        ) from error
    return listening
