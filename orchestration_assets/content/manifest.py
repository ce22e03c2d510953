"""From listed entries to outcomes: read, hash, recognise text, and settle who is who."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import pyarrow as pa

from orchestration_assets.content.encoding import Encoding, detect_encoding
from orchestration_assets.schemas.enums import Outcome, RejectReason
from orchestration_assets.schemas.tables import EntryRow, ManifestRow
from resources.content_source import ContentError, FileContent

_DETAILS = {
    RejectReason.EMPTY: "no content",
    RejectReason.BINARY: "not text",
    RejectReason.UNDECODABLE: "neither UTF-8 nor an encoding that it declares",
    RejectReason.UNREADABLE: "could not be opened",
    RejectReason.SPECIAL_FILE: "a pipe, socket or device",
    RejectReason.LINK_LOOP: "a link that leads back to itself",
    RejectReason.LINK_DANGLING: "a link to nothing",
    RejectReason.LINK_OUTSIDE: "a link that leads out of the source",
    RejectReason.LINK_FOLDER: "a link to a folder that is listed under its own name",
    RejectReason.VANISHED: "no longer there when listed",
}


def content_hash(data: bytes) -> str:
    """The identity of content: 128 bits of blake2b over its bytes, hex."""
    return blake2b(data, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Known:
    """Content known from earlier batches.

    ``by_hash``: content hash -> item whose rows hold its results. ``at_address``: address ->
    the hash last seen there. ``gone``: addresses whose content is no longer there.
    """

    by_hash: Mapping[str, str] = field(default_factory=dict)
    at_address: Mapping[str, str] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()

    @property
    def addresses_by_hash(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for address, hashed in self.at_address.items():
            found.setdefault(hashed, set()).add(address)
        return found


def known_content(manifests: Iterable[pa.Table]) -> Known:
    """What earlier manifests tell, oldest first."""
    by_hash: dict[str, str] = {}
    at_address: dict[str, str] = {}
    gone: set[str] = set()
    columns = ("address", "outcome", "content_hash", "computed_as")
    for manifest in manifests:
        rows = zip(*(manifest[name].to_pylist() for name in columns), strict=True)
        for address, outcome, hashed, computed_as in rows:
            if outcome == Outcome.GONE:
                gone.add(address)
            elif hashed is not None and computed_as is not None:
                gone.discard(address)
                at_address[address] = hashed
                by_hash.setdefault(hashed, computed_as)
    return Known(by_hash, at_address, frozenset(gone))


@dataclass(frozen=True, slots=True)
class Examined:
    """One entry after reading: a reject reason, or the hash and encoding of its text."""

    entry: EntryRow
    reason: RejectReason | None = None
    detail: str | None = None
    superseded: bool = False
    hashed: str | None = None
    encoding: Encoding | None = None


def examine(entry: EntryRow, read: Callable[[str], FileContent], max_bytes: int) -> Examined:
    """Reads one entry: bad content becomes a reason, never an exception."""
    if entry.gone:
        return Examined(entry)
    if entry.problem is not None:
        return Examined(entry, entry.problem, _DETAILS[entry.problem])
    if entry.size_bytes > max_bytes:
        detail = f"{entry.size_bytes} bytes, the limit is {max_bytes}"
        return Examined(entry, RejectReason.TOO_LARGE, detail)
    try:
        content = read(entry.address)
    except ContentError as error:
        return Examined(entry, error.reason, str(error))
    if (content.size_bytes, content.modified_ns) != (entry.size_bytes, entry.modified_ns):
        return Examined(entry, detail="changed after it was listed", superseded=True)
    if not content.data:
        return Examined(entry, RejectReason.EMPTY, _DETAILS[RejectReason.EMPTY])
    encoding = detect_encoding(content.data)
    if isinstance(encoding, RejectReason):
        return Examined(entry, encoding, _DETAILS[encoding], hashed=content_hash(content.data))
    return Examined(entry, hashed=content_hash(content.data), encoding=encoding)


def settle(batch: str, examined: Iterable[Examined], known: Known) -> Iterator[ManifestRow]:
    """The outcome of every entry, given what was known before and came earlier in the batch."""
    examined = list(examined)
    gone = known.gone | {found.entry.address for found in examined if found.entry.gone}
    addresses = known.addresses_by_hash
    accepted: dict[str, str] = {}
    for found in examined:
        entry, hashed, detail = found.entry, found.hashed, found.detail
        outcome, computed_as = Outcome.ACCEPTED, None
        if entry.gone:
            outcome = Outcome.GONE
        elif found.superseded:
            outcome = Outcome.SUPERSEDED
        elif found.reason is not None or hashed is None:
            outcome = Outcome.REJECTED
        elif hashed in known.by_hash:
            computed_as = known.by_hash[hashed]
            before = addresses.get(hashed, set())
            if entry.address in before:
                outcome, detail = Outcome.UNCHANGED, "touched, same content"
            elif before and before <= gone:
                outcome, detail = Outcome.MOVED, "same content was at another address before"
            else:
                outcome, detail = Outcome.DUPLICATE, "same content is known at another address"
        elif hashed in accepted:
            computed_as = accepted[hashed]
            outcome, detail = Outcome.DUPLICATE, "same content stands elsewhere in this batch"
        else:
            computed_as = accepted[hashed] = entry.item_id
        yield ManifestRow(
            batch=batch,
            item_id=entry.item_id,
            address=entry.address,
            path=entry.path,
            outcome=outcome,
            reason=found.reason,
            detail=detail,
            computed_as=computed_as,
            content_hash=hashed,
            size_bytes=entry.size_bytes,
            modified_ns=entry.modified_ns,
            encoding=found.encoding.name if found.encoding else None,
            encoding_from=found.encoding.source if found.encoding else None,
        )
