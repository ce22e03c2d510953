"""The second tier of a cluster: Redis, which several machines share. The extra ``redis``."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from resources.feature_cache.tier import (
    Counts,
    Holds,
    TierContents,
    TierError,
    intact,
    seal,
)

_INSTALL: Final = "pip install 'content-orchestration[redis]'"
_SECONDS: Final = 2.0
_PIPELINE: Final = 1_000
_PREFIX: Final = "orchestration:"


class RedisTier:
    """Values under ``orchestration:<key>``, each for ``keep_seconds`` after it was written.

    How much is kept, and what makes room, is for the server to say: set its ``maxmemory`` and
    ``maxmemory-policy allkeys-lru``. Connects when first asked. Raises TierError, without the
    address, which may hold a password.
    """

    name = "redis"

    def __init__(self, url: str, keep_seconds: float) -> None:
        self.counts = Counts()
        self._url = url
        self._keep_ms = max(int(keep_seconds * 1000), 1)
        self._client: Any = None

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        requested = list(keys)
        values: dict[str, bytes] = {}
        with self._errors():
            for start in range(0, len(requested), _PIPELINE):
                part = requested[start : start + _PIPELINE]
                answers = self._connected().mget([_PREFIX + key for key in part])
                held = [pair for pair in zip(part, answers, strict=True) if pair[1] is not None]
                values |= intact(held, self.counts)
        return values

    def put_many(self, values: Mapping[str, bytes]) -> None:
        pairs = list(values.items())
        with self._errors():
            for start in range(0, len(pairs), _PIPELINE):
                pipeline = self._connected().pipeline(transaction=False)
                for key, value in pairs[start : start + _PIPELINE]:
                    pipeline.set(_PREFIX + key, seal(key, value), px=self._keep_ms)
                pipeline.execute()

    def forget(self, keys: Collection[str], holds: Holds) -> int:
        """See :meth:`CacheTier.forget`; looks at every entry that this project has there."""
        removed = 0
        with self._errors():
            client = self._connected()
            page: list[bytes] = []
            for name in client.scan_iter(match=f"{_PREFIX}*", count=_PIPELINE):
                page.append(name)
                if len(page) == _PIPELINE:
                    removed += self._forget(client, page, keys, holds)
                    page = []
            removed += self._forget(client, page, keys, holds)
        return removed

    def _forget(self, client: Any, names: list[bytes], keys: Collection[str], holds: Holds) -> int:
        if not names:
            return 0
        going = []
        for name, value in zip(names, client.mget(names), strict=True):
            key = name.decode().removeprefix(_PREFIX)
            if key in keys or (value is not None and holds(key, value)):
                going.append(name)
        return int(client.delete(*going)) if going else 0

    def contents(self) -> TierContents:
        with self._errors():
            client = self._connected()
            memory = client.info("memory")
            return TierContents(client.dbsize(), memory["used_memory"], memory["maxmemory"], None)

    def _connected(self) -> Any:
        if self._client is None:
            try:
                import redis
            except ImportError as error:
                raise TierError(f"Redis needs its client: {_INSTALL}") from error
            self._client = redis.Redis.from_url(
                self._url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS
            )
        return self._client

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except TierError:
            raise
        except Exception as error:
            # redis raises its own tree, sockets theirs, a malformed URL a ValueError
            raise TierError(f"Redis cannot be used: {type(error).__name__}: {error}") from error
