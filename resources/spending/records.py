"""The records of the spending ledger, each one line: a checksum, a blank, a JSON object.

A line that breaks off, or whose checksum does not fit, is no record; the lines around it are.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from zlib import crc32

from orchestration_assets.text.json_bytes import json_bytes

_CHECKSUM_CHARS: Final = 8


class Part(NamedTuple):
    """What an attempt was about: items of one task, and their share of its cost, in [0, 1]."""

    task: str
    share: float
    items: tuple[str, ...]


class Reserved(NamedTuple):
    """An attempt that is about to be sent; written before it is.

    ``number`` tells it from others of its file. ``at``: microseconds since 1970, UTC.
    ``expected_usd`` counts until its settlement is written, and for good when that never is;
    ``most_usd`` is the highest cost that its request allows.
    """

    number: int
    at: int
    purpose: str
    batch: str
    batch_pass: str
    account: str
    run: str
    service: str
    model: str
    parts: tuple[Part, ...]
    expected_usd: float
    most_usd: float


class Settled(NamedTuple):
    """The end of the attempt with this ``number``, written after it.

    ``estimated``: the service did not say what it bills, so that ``usd`` follows from the texts,
    or from what such calls cost otherwise where no answer came. ``status`` is that of a reading.
    """

    number: int
    at: int
    usd: float
    estimated: bool
    tokens_in: int | None
    tokens_out: int | None
    status: str


class PassBegun(NamedTuple):
    """A batch is carried out anew: what was spent on it before is another pass's."""

    at: int
    batch: str
    batch_pass: str


class AccountOpened(NamedTuple):
    """A run takes up these batches on one account, which its budget limits.

    ``cap_usd``: the budget, for all that is spent on the account; None without one.
    """

    at: int
    account: str
    batches: tuple[str, ...]
    cap_usd: float | None


class AccountClosed(NamedTuple):
    """Every batch of the account is finished: whoever takes one up again opens another."""

    at: int
    account: str


Record = Reserved | Settled | PassBegun | AccountOpened | AccountClosed


def encoded(record: Record) -> bytes:
    """The record as one line, with its end. Raises ValueError for an amount that is not finite."""
    fields: list[Any] = list(record)
    # plain values are written twice as fast as what has names or is an enumeration's
    if isinstance(record, Settled):
        is_finite = math.isfinite(record.usd)
        fields[-1] = str(record.status)
    elif isinstance(record, Reserved):
        is_finite = math.isfinite(record.expected_usd) and math.isfinite(record.most_usd)
        parts = fields[_PARTS_AT] = []
        for part in record.parts:
            is_finite = is_finite and math.isfinite(part.share)
            parts.append(tuple(part))
    else:
        is_finite = all(map(math.isfinite, _amounts(record)))
    if not is_finite:
        raise ValueError(f"an amount of {type(record).__name__} is not finite")
    body = json_bytes((_KIND_OF[type(record)], *fields))
    return b"%08x %s\n" % (crc32(body), body)


def decoded(line: bytes) -> Record | None:
    """The record of a line without its end; None for a line that holds none."""
    checksum, body = line[:_CHECKSUM_CHARS], line[_CHECKSUM_CHARS + 1 :]
    try:
        if len(checksum) != _CHECKSUM_CHARS or int(checksum, 16) != crc32(body):
            return None
        kind, *values = json.loads(body)
        return _record(_KINDS[kind], _READERS[kind](values))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return None


def records_in(data: bytes) -> Iterator[Record | None]:
    """The records of a file, None for each damaged line; a last line that breaks off is no damage.

    A process that was killed while it wrote leaves such a line.
    """
    *lines, torn = data.split(b"\n")
    for line in lines:
        if line:
            yield decoded(line)
    if (record := decoded(torn)) is not None:
        yield record


def _record(kind: type[Any], values: list[Any]) -> Record:
    if len(values) != len(kind._fields):
        raise ValueError(f"{len(values)} fields of {kind.__name__}")
    if not all(map(math.isfinite, _amounts(values))):
        raise ValueError("an amount is not finite")
    record: Record = kind(*values)
    return record


def _amounts(values: Sequence[Any]) -> Iterator[float]:
    """The amounts of a record, and the shares of its parts."""
    for value in values:
        if isinstance(value, float):
            yield value
        elif isinstance(value, tuple):
            yield from (part.share for part in value if isinstance(part, Part))


def _reserved(values: list[Any]) -> list[Any]:
    parts = tuple(Part(task, float(share), tuple(items)) for task, share, items in values[9])
    return [*values[:9], parts, float(values[10]), float(values[11])]


def _settled(values: list[Any]) -> list[Any]:
    return [*values[:2], float(values[2]), *values[3:]]


def _opened(values: list[Any]) -> list[Any]:
    cap = values[3]
    return [*values[:2], tuple(values[2]), cap if cap is None else float(cap), *values[4:]]


_PARTS_AT: Final = Reserved._fields.index("parts")
_KINDS: Final[Mapping[str, type[Any]]] = {
    "reserved": Reserved,
    "settled": Settled,
    "pass": PassBegun,
    "opened": AccountOpened,
    "closed": AccountClosed,
}
_KIND_OF: Final[Mapping[type[Any], str]] = {of: name for name, of in _KINDS.items()}
_READERS: Final[Mapping[str, Callable[[list[Any]], list[Any]]]] = {
    "reserved": _reserved,
    "settled": _settled,
    "pass": list,
    "opened": _opened,
    "closed": list,
}
