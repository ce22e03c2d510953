"""Pieces of record files that stand in a later version byte for byte, and need no second reading.

What of a file is known is folded from batch records and manifests, look by look.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import takewhile
from operator import attrgetter
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.decoding import decode
from orchestration_assets.schemas.enums import TRANSIENT, EntryOutcome, RejectReason
from orchestration_assets.schemas.tables import RejectCount

_BLOCK_BYTES: Final = 4 << 20

# columns of a manifest that say how the reading of a piece went
OUTCOME_COLUMNS: Final = ("entry_id", "outcome", "reason")
KNOWN_PIECES: Final = pa.list_(
    pa.struct(
        [
            pa.field("start", pa.int64()),
            pa.field("stop", pa.int64()),
            pa.field("first", pa.int64()),
            pa.field("count", pa.int64()),
            pa.field("piece_hash", pa.string()),
            pa.field("declared", pa.string()),
            pa.field("batch", pa.string()),
            pa.field("entry_id", pa.string()),
            pa.field(
                "rejected",
                pa.list_(pa.struct([("reason", pa.string()), ("count", pa.int64())])),
            ),
            pa.field("standing", pa.bool_()),
        ]
    )
)


@dataclass(frozen=True, slots=True)
class KnownPiece:
    """Records of a file as a batch holds them.

    ``start``, ``stop`` and ``piece_hash`` are those of the batch's entry ``entry_id``; the hash is
    None where the piece has to be read again in any other version. ``first`` is the number of the
    first record, from 1; ``declared`` the :func:`declaration_id` that it was read under.
    ``standing`` is false for a piece of the version before that a look which was cut short has not
    compared yet.
    """

    start: int
    stop: int
    first: int
    count: int
    piece_hash: str | None
    declared: str
    batch: str
    entry_id: str
    rejected: tuple[RejectCount, ...]
    standing: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    """The columns of a recorded entry that decide about pieces."""

    item_id: str
    file: str
    gone: bool
    records: str | None
    start: int | None
    stop: int | None
    first_record: int | None
    record_count: int | None
    final: bool
    piece_hash: str | None
    unchanged: bool | None


@dataclass(frozen=True, slots=True)
class RecordedPiece:
    """An entry of a record file in its batch, and how its reading went."""

    batch: str
    entry: _Entry
    is_read: bool
    rejected: tuple[RejectCount, ...]

    @property
    def start(self) -> int:
        return self.entry.start or 0


def declaration_id(records: str) -> str:
    """64 bits that name how records are declared, hex."""
    return blake2b(records.encode(), digest_size=8).hexdigest()


def recorded_pieces(
    batch: str, entries: pa.Table, manifest: pa.Table | None, known_files: Collection[str]
) -> list[RecordedPiece]:
    """The entries that say something about pieces: those of record files, and of files that were
    ones (``known_files``). ``manifest`` has the OUTCOME_COLUMNS, and is None until it is made.
    """
    files = pa.array(sorted(known_files), pa.string())
    entries = entries.filter(
        pc.or_(pc.is_valid(entries["start"]), pc.is_in(entries["file"], files))
    )
    found: list[RecordedPiece] = []
    outcomes = _outcomes(manifest) if entries.num_rows else {}
    for entry in decode(_Entry, entries):
        read, failed = outcomes.get(entry.item_id, (False, {}))
        rejected = tuple(RejectCount(reason, count) for reason, count in sorted(failed.items()))
        is_read = read and not TRANSIENT & failed.keys()
        found.append(RecordedPiece(batch, entry, is_read, rejected))
    return found


def _outcomes(
    manifest: pa.Table | None,
) -> dict[str, tuple[bool, Counter[RejectReason]]]:
    """Entry -> whether its records were read, and how many of them were rejected by reason."""
    found: dict[str, tuple[bool, Counter[RejectReason]]] = {}
    if manifest is None:
        return found
    grouped = manifest.group_by(list(OUTCOME_COLUMNS)).aggregate([([], "count_all")])
    rows = zip(
        *(grouped[name].to_pylist() for name in (*OUTCOME_COLUMNS, "count_all")), strict=True
    )
    for entry, outcome, reason, count in rows:
        read, failed = found.get(entry, (False, Counter()))
        if outcome == EntryOutcome.REJECTED:
            failed[RejectReason(reason)] += count
        found[entry] = read or outcome == EntryOutcome.UNPACKED, failed
    return found


def fold_pieces(
    known: Sequence[KnownPiece], look: Iterable[RecordedPiece]
) -> tuple[KnownPiece, ...]:
    """What is known of one file after one more look at it, whose entries come in any order."""
    pieces = list(known)
    for recorded in sorted(look, key=attrgetter("start")):
        entry = recorded.entry
        if entry.gone or entry.start is None:
            pieces = []
            continue
        if entry.first_record == 1:
            # the version before is all that this one can be compared with
            pieces = [replace(piece, standing=False) for piece in pieces if piece.standing]
        if entry.unchanged:
            pieces = [
                replace(piece, standing=piece.standing or _within(piece, entry)) for piece in pieces
            ]
        else:
            # what was not the same up to here has been read again
            pieces = [piece for piece in pieces if piece.standing]
            pieces.append(_piece(recorded))
        if entry.final:
            pieces = [piece for piece in pieces if piece.standing]
    return tuple(pieces)


def _within(piece: KnownPiece, entry: _Entry) -> bool:
    return (entry.start or 0) <= piece.start and piece.stop <= (entry.stop or 0)


def _piece(recorded: RecordedPiece) -> KnownPiece:
    entry = recorded.entry
    return KnownPiece(
        entry.start or 0,
        entry.stop or 0,
        entry.first_record or 1,
        entry.record_count or 0,
        entry.piece_hash if recorded.is_read else None,
        declaration_id(entry.records or ""),
        recorded.batch,
        entry.item_id,
        recorded.rejected,
        standing=True,
    )


def comparable(pieces: Iterable[KnownPiece], declared: str, begin: int) -> list[KnownPiece]:
    """The pieces that a file may hold from byte ``begin`` on, one after the other.

    At 0 all that stand, else those that a look which was cut short left.
    """
    found: list[KnownPiece] = []
    position = begin
    for piece in pieces:
        if piece.standing is not (begin == 0):
            continue
        follows = piece.start == position if position else piece.first == 1
        if not follows or piece.piece_hash is None or piece.declared != declared:
            break
        found.append(piece)
        position = piece.stop
    return found


def unchanged_pieces(
    stream: BinaryIO, pieces: Iterable[KnownPiece], begin: int
) -> Iterator[KnownPiece]:
    """Those of the pieces that the stream holds, up to the first that it does not.

    ``begin`` is where the piece before the first ends.
    """
    stream.seek(begin)
    position = begin
    for piece in pieces:
        hashed = blake2b(digest_size=16)
        while position < piece.stop and (
            block := stream.read(min(_BLOCK_BYTES, piece.stop - position))
        ):
            hashed.update(block)
            position += len(block)
        if position < piece.stop or hashed.hexdigest() != piece.piece_hash:
            return
        yield piece


def before_repeated_ids(pieces: Sequence[KnownPiece]) -> list[KnownPiece]:
    """The pieces before the first in which an id was rejected that another record had.

    Where anything of the file has changed, that other record may be gone.
    """

    def repeats(piece: KnownPiece) -> bool:
        return any(one.reason is RejectReason.REPEATED_ID for one in piece.rejected)

    return list(takewhile(lambda piece: not repeats(piece), pieces))


def rejected_together(pieces: Iterable[KnownPiece]) -> tuple[RejectCount, ...]:
    """How many records of all the pieces were rejected, by reason."""
    total: Counter[RejectReason] = Counter()
    for piece in pieces:
        for one in piece.rejected:
            total[one.reason] += one.count
    return tuple(RejectCount(reason, count) for reason, count in sorted(total.items()))


class StandingRecords:
    """Which records of which batch stand in the latest version of their file."""

    def __init__(self, pieces: Mapping[str, Iterable[KnownPiece]]) -> None:
        self._bounds: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for file, of_file in pieces.items():
            for piece in of_file:
                if piece.standing:
                    bounds = self._bounds.setdefault((file, piece.batch), [])
                    bounds.append((piece.start, piece.stop))

    def holds(self, file: str, batch: str, place: int) -> bool:
        """Whether the record that the batch holds at a place of the file stands there still."""
        bounds = self._bounds.get((file, batch), ())
        return any(start <= place < stop for start, stop in bounds)


def as_column(pieces: Iterable[Sequence[KnownPiece]]) -> pa.Array:
    """Pieces of several files as a column of the type KNOWN_PIECES; null for a file without any."""
    return pa.array([[_plain(piece) for piece in of] or None for of in pieces], KNOWN_PIECES)


def _plain(piece: KnownPiece) -> Mapping[str, object]:
    plain = {field.name: getattr(piece, field.name) for field in KNOWN_PIECES.value_type}
    counts = [{"reason": one.reason.value, "count": one.count} for one in piece.rejected]
    return plain | {"rejected": counts}
