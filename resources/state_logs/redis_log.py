"""Versions of a state in Redis: a list for each, to which a script adds when its length is right.

``orchestration-state:<home>:<name>``. Scripts run one at a time, so that of many writers one adds.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from orchestration_assets.schemas.errors import StoreAwayError
from resources.damage import notice

_INSTALL: Final = "pip install 'content-orchestration[redis]'"
_SECONDS: Final = 5.0
_APPEND: Final = """
if redis.call('LLEN', KEYS[1]) == tonumber(ARGV[1]) then
  redis.call('RPUSH', KEYS[1], ARGV[2])
  return 1
end
if redis.call('LINDEX', KEYS[1], ARGV[1]) == ARGV[2] then
  return 1
end
return 0
"""
"""The second case is a write that is tried again because the answer to the first try was lost."""


@dataclass(frozen=True, slots=True)
class RedisLog:
    """The versions under one key; see :class:`StateLog`."""

    server: "RedisServer"
    key: str

    def last(self, known: int) -> int:
        with self.server.answering() as client:
            return int(client.llen(self.key))

    def read(self, number: int) -> bytes | None:
        with self.server.answering() as client:
            data: bytes | None = client.lindex(self.key, number - 1)
        return data

    def append(self, number: int, data: bytes) -> bool:
        with self.server.answering() as client:
            return bool(client.eval(_APPEND, 1, self.key, number - 1, data))

    def replace(self, number: int, data: bytes) -> None:
        with self.server.answering() as client:
            client.lset(self.key, number - 1, data)

    def compact(self) -> None:
        """Has the append-only file written anew, which holds every command until then."""
        import redis

        with self.server.answering() as client:
            try:
                client.bgrewriteaof()
            except redis.exceptions.ResponseError as error:
                notice(
                    f"{self.server.words} does not write its append-only file anew now ({error}): "
                    "run BGREWRITEAOF there, so that nothing of what was forgotten is left in it"
                )

    def place(self, number: int) -> str:
        return f"{self.server.words}, {self.key}, element {number - 1}"


@dataclass(frozen=True)
class RedisServer:
    """The server at ``url``; see :class:`StateServer`.

    Raises StoreAwayError, without user and password, also for a server that may evict what it
    keeps.
    """

    url: str

    @property
    def words(self) -> str:
        parts = urlsplit(self.url)
        return f"Redis at {parts.hostname}:{parts.port or 6379}{parts.path}"

    def log(self, home: str, name: str) -> RedisLog:
        return RedisLog(self, f"orchestration-state:{home}:{name}")

    @contextmanager
    def answering(self) -> Iterator[Any]:
        """A client; whatever it raises becomes one line."""
        try:
            yield _client(self.url, self.words, os.getpid())
        except StoreAwayError:
            raise
        except Exception as error:
            # redis raises its own tree, sockets theirs, a malformed URL a ValueError
            raise StoreAwayError(
                f"the state of this home is kept in {self.words}, which cannot be used "
                f"({type(error).__name__}: {_without(self.url, str(error))}): make it answer, and "
                "run the same command again"
            ) from error


@lru_cache(maxsize=8)
def _client(url: str, words: str, process: int) -> Any:
    """The client of a process, which does not survive a fork, for a server that was looked at."""
    try:
        import redis
    except ImportError as error:
        raise StoreAwayError(f"{words}: Redis needs its client: {_INSTALL}") from error
    client = redis.Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)
    try:
        told = client.info()
    except redis.exceptions.NoPermissionError:
        notice(f"{words} does not say whether it evicts what it keeps, or writes it down")
        return client
    if told.get("maxmemory") and str(told.get("maxmemory_policy")).startswith("allkeys"):
        raise StoreAwayError(
            f"{words} evicts what it keeps when its memory is full (maxmemory-policy "
            f"{told['maxmemory_policy']}), which would lose the state of homes: use another server "
            "than that of the cache, or set maxmemory-policy to noeviction or volatile-lru"
        )
    if not told.get("aof_enabled"):
        notice(
            f"{words} keeps no append-only file: what was changed last may be lost when it stops; "
            "set appendonly yes"
        )
    return client


def _without(url: str, message: str) -> str:
    password = urlsplit(url).password
    plain = " ".join(message.split())[:200]
    return plain.replace(password, "***") if password else plain
