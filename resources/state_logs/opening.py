"""Which store keeps the states of a home: its files, or the server that ORCHESTRATION_STATE names.

A home whose states went to a server says so in ``<folder>/kept_in.json``, with the name that it has
there: a process that is not told of the server, or of another, must not go on with other states.
"""

import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from orchestration_assets.schemas.errors import DamagedFileError, OrchestrationError
from resources.state_logs.file_log import FileLog
from resources.state_logs.log import StateLog, StateServer
from resources.state_logs.postgres_log import PostgresServer
from resources.state_logs.redis_log import RedisServer
from resources.table_store import Files

STATE_VARIABLE: Final = "ORCHESTRATION_STATE"
"""Names the environment variable with the address of the server that keeps the states."""
_MARK: Final = "kept_in.json"
_SERVERS: Final[Mapping[str, Callable[[str], StateServer]]] = {
    "redis": RedisServer,
    "rediss": RedisServer,
    "postgres": PostgresServer,
    "postgresql": PostgresServer,
}
# no state has this name: what a server knows a home by
_KNOWN: Final = ""


class StateServerError(OrchestrationError):
    """The states of a home are kept elsewhere than where they are to be looked for."""


def state_log(
    folder: Path, name: str, files: Files, environment: Mapping[str, str] = os.environ
) -> StateLog:
    """The versions of a state of the home whose states are below ``folder``.

    At the first use of a server the versions that are there as files are copied to it, each with
    its number. Raises StateServerError, StoreAwayError, DamagedFileError.
    """
    url = environment.get(STATE_VARIABLE, "")
    mark = folder / _MARK
    if not url:
        if mark.exists():
            raise StateServerError(
                f"the state of this home is kept in {_stated(mark)['kind']} (see {mark}): set "
                f"{STATE_VARIABLE} to its address"
            )
        return FileLog(folder / name, files)
    server = _server(url)
    if not mark.exists() and not files.fetch(mark):
        _move(folder, files, server)
    log = server.log(_home(mark, url, os.getpid()), name)
    if not log.last(0):
        # of a home that belongs to a store, no other state was on this disk when it was moved
        _copy(FileLog(folder / name, files), log)
    return log


def is_state_server(url: str) -> bool:
    """Whether an address is that of a server that can keep states."""
    return _kind(url) in _SERVERS


def _server(url: str) -> StateServer:
    kind = _SERVERS.get(_kind(url))
    if kind is not None and not _is_readable(url):
        # without what is wrong in it: that may be a piece of the password
        raise StateServerError(
            f"{STATE_VARIABLE} cannot be read as an address: write every sign of user and password "
            "that is no letter or digit as %XX, and the port as a number"
        )
    if kind is None:
        raise StateServerError(
            f"{STATE_VARIABLE} names no store of states: give the address of Redis (redis://...) "
            "or PostgreSQL (postgresql://...), or leave it unset to keep states as files"
        )
    return kind(url)


def _is_readable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.port != 0
    except ValueError:
        return False


def _kind(url: str) -> str:
    return url.partition("://")[0].partition("+")[0].lower()


def _move(folder: Path, files: Files, server: StateServer) -> None:
    """Copies what there is as files, under a name that nobody uses yet; who comes first says which.

    Stopped at any moment, the files are still what stands.
    """
    home = uuid4().hex
    server.log(home, _KNOWN).append(1, b"{}")
    for path in sorted(folder.glob("*/")):
        _copy(FileLog(path, files), server.log(home, path.name))
    stated = {"kind": server.words.partition(" ")[0], "home": home}
    mark = folder / _MARK
    if not files.create(mark, json.dumps(stated, indent=1).encode()) and not mark.exists():
        files.fetch(mark)


def _copy(here: FileLog, there: StateLog) -> None:
    for number in range(1, here.last(0) + 1):
        there.append(number, here.read(number) or b"")


@lru_cache(maxsize=64)
def _home(mark: Path, url: str, process: int) -> str:
    """The name of the home on its server, which was asked once in this process whether it knows
    it."""
    server, stated = _server(url), _stated(mark)
    kind = server.words.partition(" ")[0]
    if stated["kind"] != kind:
        raise StateServerError(
            f"the state of this home is kept in {stated['kind']} (see {mark}), not in {kind}: set "
            f"{STATE_VARIABLE} to the address of that"
        )
    if not server.log(stated["home"], _KNOWN).last(0):
        raise StateServerError(
            f"{server.words} does not know this home, whose state it is to keep: give the server "
            f"that has it, or bring its data back from a copy; without {mark} the home begins with "
            "the versions that lie there as files"
        )
    return stated["home"]


def _stated(mark: Path) -> dict[str, str]:
    try:
        stated = json.loads(mark.read_bytes())
        return {"kind": str(stated["kind"]), "home": str(stated["home"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(
            mark, f"does not say where the state is kept ({error})", "bring it back from a copy"
        ) from error
