"""What every tier of the cache can do, and what it counts while it does it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

from orchestration_assets.schemas.errors import OrchestrationError

_CHECK_BYTES: Final = 8

Holds = Callable[[str, bytes], bool]
"""Tells of a key and its value whether it holds something that must go."""


class TierError(OrchestrationError):
    """A tier cannot be used at the moment; whoever asked it goes on without it."""


@dataclass
class Counts:
    """What one tier was asked and what came of it, since it was opened.

    ``lookups`` and ``hits`` count keys, ``written`` entries, ``evicted`` entries that made room,
    ``corrupt`` entries that were ignored because they are not what was stored, ``errors`` times
    that the tier could not be used; ``last_error`` says why. ``not_kept`` counts items whose
    results are in no tier, since computing them is cheaper.
    """

    lookups: int = 0
    hits: int = 0
    written: int = 0
    evicted: int = 0
    corrupt: int = 0
    errors: int = 0
    not_kept: int = 0
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class TierContents:
    """What a tier holds now: entries, bytes, its cap in bytes (0: none of its own), and the
    time of its oldest entry in seconds since 1970 (None where the tier does not know)."""

    entries: int
    bytes: int
    cap_bytes: int
    oldest: float | None


class CacheTier(Protocol):
    """Bytes by key, many at a time. Every method may raise TierError, and nothing else."""

    name: str
    counts: Counts

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of the keys that are there and intact."""
        ...

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Keeps all values, in the place of what stood under their keys."""
        ...

    def contents(self) -> TierContents:
        """What the tier holds now."""
        ...

    def forget(self, keys: Collection[str], holds: Holds) -> int:
        """Removes what is under these keys, and every value that ``holds`` what must go.

        Nothing of it is left in the files either. Returns how many entries were removed.
        """
        ...


def seal(key: str, value: bytes) -> bytes:
    """The value behind a checksum over its key and itself."""
    return _check(key, value) + value


def intact(entries: Iterable[tuple[str, bytes]], counts: Counts) -> dict[str, bytes]:
    """The values of sealed entries; those that are no longer what was sealed count as corrupt."""
    values: dict[str, bytes] = {}
    for key, stored in entries:
        value = unseal(key, stored)
        if value is None:
            counts.corrupt += 1
        else:
            values[key] = value
    return values


def unseal(key: str, stored: bytes) -> bytes | None:
    """The value that was sealed under this key, None when it is no longer that."""
    value = stored[_CHECK_BYTES:]
    return value if stored[:_CHECK_BYTES] == _check(key, value) else None


def behind_seal(stored: bytes) -> bytes:
    """What was sealed, whatever became of it since."""
    return stored[_CHECK_BYTES:]


def _check(key: str, value: bytes) -> bytes:
    digest = blake2b(value, digest_size=_CHECK_BYTES)
    digest.update(key.encode())
    return digest.digest()
