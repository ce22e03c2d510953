"""Searching the indexed batches: a page of questions, and where the next one begins.

Keyset pagination: a page begins behind the last row of the one before, wherever that stands now.
Every batch is looked at as a whole, by a few operations on columns; batches are left out where
their grams, their words or the best of their rows say that they have nothing to give.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.explorer.batch_index import MOST_PAIRS
from orchestration_assets.explorer.index_files import HomeIndex, IndexedBatch
from orchestration_assets.explorer.query import (
    BANDS,
    PAGE_ROWS,
    Cursor,
    ItemOrder,
    QuestionQuery,
)

_HEX: Final = frozenset("0123456789abcdef")
_ID_DIGITS: Final = 16
_HASH_DIGITS: Final = 32
_LEAST_DIGITS: Final = 4

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class FoundQuestion:
    """A row of the result; ``task`` and ``status`` are empty for an item nothing was asked about.

    ``risk`` is None where it is not known; ``severity`` is 0 where nothing is disputed.
    """

    batch: str
    item_id: str
    path: str
    family: str
    outcome: str
    task: str
    status: str
    answer: str
    said: tuple[str, ...]
    risk: float | None
    severity: float
    pairs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page of questions; ``after`` is where the next one begins, None when there is none."""

    rows: tuple[FoundQuestion, ...]
    after: Cursor | None


def search(index: HomeIndex, query: QuestionQuery) -> FoundPage:
    """The first questions of the query behind its cursor. Bounded by one batch's columns."""
    batches = [one for one in index.batches if query.batch in ("", one.batch)]
    hits = _newest(batches, query) if query.order is ItemOrder.NEWEST else _best(batches, query)
    found = []
    for hit in hits:
        found.append(hit)
        if len(found) > PAGE_ROWS:
            break
    more = len(found) > PAGE_ROWS
    shown = found[:PAGE_ROWS]
    last = shown[-1] if more else None
    after = Cursor(last.value, last.batch.batch, last.row) if last else None
    return FoundPage(tuple(_shown(hit) for hit in shown), after)


@dataclass(frozen=True, slots=True)
class _Hit:
    batch: IndexedBatch
    row: int
    value: float


def _newest(batches: list[IndexedBatch], query: QuestionQuery) -> Iterator[_Hit]:
    after = query.after
    for batch in batches:
        if after is not None and batch.batch > after.batch:
            continue
        found = _matching(batch, query)
        if after is not None and batch.batch == after.batch:
            found = found[found > after.row]
        # lists are made of no more than a page needs
        for row in found[: PAGE_ROWS + 1].tolist():
            yield _Hit(batch, row, 0.0)


def _best(batches: list[IndexedBatch], query: QuestionQuery) -> Iterator[_Hit]:
    if query.order is ItemOrder.PATH:
        yield from _by_path(batches, query)
        return
    name = str(query.order)
    # the batches whose best row is best come first: once a page is full, the others can be left out
    best = sorted(batches, key=lambda one: (-one.best[name], one.batch))
    waiting: list[tuple[float, str, int, IndexedBatch]] = []
    for batch in best:
        # equal values come in the order of their batches, as the batches themselves do
        first = (-batch.best[name], batch.batch)
        while waiting and waiting[0][:2] < first:
            value, _, row, of = heapq.heappop(waiting)
            yield _Hit(of, row, -value)
        for value, row in _ranked(batch, query, name):
            heapq.heappush(waiting, (-value, batch.batch, row, batch))
    while waiting:
        value, _, row, of = heapq.heappop(waiting)
        yield _Hit(of, row, -value)


def _ranked(batch: IndexedBatch, query: QuestionQuery, name: str) -> list[tuple[float, int]]:
    """The first matching rows of a batch behind the cursor, highest value first."""
    rows = _matching(batch, query)
    if name == "risk" and not _is_narrowed(query) and batch.numbers:
        rows = batch.numbers["by_risk"]
    elif name == "risk" and len(rows):
        wanted = np.zeros(batch.questions.num_rows, np.bool_)
        wanted[rows] = True
        order = batch.numbers["by_risk"]
        rows = order[wanted[order]]
    # by severity the rows lie as they are wanted
    after = query.after
    if after is not None and len(rows):
        values = batch.numbers[name][rows]
        behind = values < np.float32(after.value)
        level = values == np.float32(after.value)
        if batch.batch > after.batch:
            behind |= level
        elif batch.batch == after.batch:
            behind |= level & (rows > after.row)
        rows = rows[behind]
    first = rows[: PAGE_ROWS + 1]
    return [(float(batch.numbers[name][row]), row) for row in first.tolist()]


def _by_path(batches: list[IndexedBatch], query: QuestionQuery) -> Iterator[_Hit]:
    start = _cursor_key(batches, query)
    parts = [_in_path_order(batch, query, start) for batch in batches]
    for key, row, batch in heapq.merge(*parts, key=lambda one: (one[0], one[1])):
        del key
        yield _Hit(batch, row, 0.0)


def _cursor_key(batches: list[IndexedBatch], query: QuestionQuery) -> tuple[str, str, int] | None:
    """Path, batch and row of the cursor; None without one, or when its row is gone."""
    after = query.after
    batch = next((one for one in batches if after and one.batch == after.batch), None)
    if after is None or batch is None or after.row >= batch.questions.num_rows:
        return None
    return (_path_at(batch, after.row), after.batch, _path_place(batch, after.row))


def _path_at(batch: IndexedBatch, row: int) -> str:
    return str(batch.items["path"][int(batch.numbers["item"][row])].as_py())


def _path_place(batch: IndexedBatch, row: int) -> int:
    return int(np.flatnonzero(batch.numbers["by_path"] == row)[0])


def _in_path_order(
    batch: IndexedBatch, query: QuestionQuery, start: tuple[str, str, int] | None
) -> Iterator[tuple[tuple[str, str, int], int, IndexedBatch]]:
    if not batch.numbers:
        return
    order = batch.numbers["by_path"]
    first = 0 if start is None else _first_behind(batch, order, start)
    places = np.arange(first, min(first + PAGE_ROWS + 1, len(order)))
    if _is_narrowed(query):
        rows = _matching(batch, query)
        wanted = np.zeros(len(order), np.bool_)
        wanted[rows] = True
        places = (first + np.flatnonzero(wanted[order[first:]]))[: PAGE_ROWS + 1]
    for place in places.tolist():
        row = int(order[place])
        yield (_path_at(batch, row), batch.batch, place), row, batch


def _first_behind(batch: IndexedBatch, order: npt.NDArray[Any], start: tuple[str, str, int]) -> int:
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        if (_path_at(batch, int(order[middle])), batch.batch, middle) <= start:
            low = middle + 1
        else:
            high = middle
    return low


def _matching(batch: IndexedBatch, query: QuestionQuery) -> Rows:
    """The rows of a batch's questions that the query asks for, in their order."""
    if not batch.numbers or _has_nothing(batch, query):
        return np.zeros(0, np.intp)
    mask: Mask = np.ones(batch.questions.num_rows, np.bool_)
    for narrowed in _narrowings(batch, query):
        mask &= narrowed
    for word in query.words:
        if not mask.any():
            break
        mask = _with_word(batch, word, mask)
    return np.flatnonzero(mask)


def _has_nothing(batch: IndexedBatch, query: QuestionQuery) -> bool:
    """Whether the facts of a batch tell that nothing of it fits."""
    facts = batch.facts
    named = (
        (query.task, facts.tasks),
        (query.status, facts.statuses),
        (query.family, facts.families),
        (query.outcome, facts.outcomes),
        (query.pair, facts.pairs),
    )
    if any(wanted and wanted not in words for wanted, words in named):
        return True
    if query.disputed and not facts.disputed:
        return True
    return query.band is not None and bool(np.float32(BANDS[query.band][0]) > batch.best["risk"])


def _is_narrowed(query: QuestionQuery) -> bool:
    return (
        bool(query.words)
        or bool(query.task or query.status or query.family or query.outcome or query.pair)
        or query.disputed
        or query.band is not None
    )


def _narrowings(batch: IndexedBatch, query: QuestionQuery) -> Iterator[Mask]:
    """A mask for each filter of the query but its words."""
    facts, numbers = batch.facts, batch.numbers
    if query.task:
        yield _is(numbers["task"], query.task, facts.tasks)
    if query.status:
        yield _is(numbers["status"], query.status, facts.statuses)
    if query.family:
        yield _is(_of_items(batch, "family"), query.family, facts.families)[numbers["item"]]
    if query.outcome:
        yield _is(_of_items(batch, "outcome"), query.outcome, facts.outcomes)[numbers["item"]]
    if query.pair:
        place = min(_place(query.pair, facts.pairs), MOST_PAIRS - 1)
        yield (numbers["pairs"] >> np.uint64(max(place, 0))) & np.uint64(place >= 0) == 1
    if query.disputed:
        yield numbers["severity"] > 0
    if query.band is not None:
        low, high = BANDS[query.band]
        yield (numbers["risk"] >= np.float32(low)) & (numbers["risk"] < np.float32(high))


def _is(codes: npt.NDArray[Any], wanted: str, words: tuple[str, ...]) -> Mask:
    found: Mask = codes == (words.index(wanted) if wanted in words else -2)
    return found


def _place(wanted: str, words: tuple[str, ...]) -> int:
    return words.index(wanted) if wanted in words else -1


def _of_items(batch: IndexedBatch, name: str) -> npt.NDArray[Any]:
    codes: npt.NDArray[Any] = batch.items[name].chunk(0).to_numpy()
    return codes


def _with_word(batch: IndexedBatch, word: str, mask: Mask) -> Mask:
    """The rows of the mask whose path or answers hold the word, or whose id begins with it."""
    found: Mask = np.zeros(len(mask), np.bool_)
    item = batch.numbers["item"]
    candidates = batch.grams.candidates(word)
    if candidates is None or len(candidates):
        sought = batch.items["sought"].chunk(0)
        if candidates is None:
            held = _holding(sought, word)
            rows = np.flatnonzero(mask)
        else:
            among = np.zeros(len(sought), np.bool_)
            among[candidates] = True
            rows = np.flatnonzero(mask & among[item])
            held = np.zeros(len(sought), np.bool_)
            held[candidates] = _holding(sought.take(pa.array(candidates)), word)
        answers = batch.questions["sought"].chunk(0)
        if len(rows) * 4 < len(mask):
            found[rows] = _holding(answers.take(pa.array(rows)), word)
        else:
            found = _holding(answers, word)
        found = found | held[item]
    if _LEAST_DIGITS <= len(word) <= _HASH_DIGITS and set(word) <= _HEX:
        named = _named_so(batch, word)
        if named.any():
            found = found | named[item]
    return mask & found


def _holding(texts: pa.Array, word: str) -> Mask:
    held: Mask = pc.match_substring(texts, word).to_numpy(zero_copy_only=False)
    return held


def _named_so(batch: IndexedBatch, digits: str) -> Mask:
    """The items whose id or content hash begins with these hexadecimal digits."""
    low = np.uint64(int(digits[:_ID_DIGITS].ljust(_ID_DIGITS, "0"), 16))
    high = np.uint64(int(digits[:_ID_DIGITS].ljust(_ID_DIGITS, "f"), 16))
    hashes = _of_items(batch, "hash_number")
    found: Mask = (hashes >= low) & (hashes <= high)
    if len(digits) <= _ID_DIGITS:
        found |= (batch.ids >= low) & (batch.ids <= high)
    # the number is of the first digits alone, and 0 where there is no hash
    at = np.flatnonzero(found)
    names = batch.items["hash"].chunk(0).take(pa.array(at)).to_pylist()
    by_id = np.zeros(len(at), np.bool_)
    if len(digits) <= _ID_DIGITS:
        by_id = (batch.ids[at] >= low) & (batch.ids[at] <= high)
    found[at] = by_id | np.array([(one or "").startswith(digits) for one in names], np.bool_)
    return found


def _shown(hit: _Hit) -> FoundQuestion:
    batch, row, facts = hit.batch, hit.row, hit.batch.facts
    place = int(batch.numbers["item"][row])
    item = {name: batch.items[name][place].as_py() for name in ("path", "family", "outcome")}
    task, status = int(batch.numbers["task"][row]), int(batch.numbers["status"][row])
    risk, bits = float(batch.numbers["risk"][row]), int(batch.numbers["pairs"][row])
    answer = str(batch.questions["answer"][row].as_py())
    said = str(batch.questions["said"][row].as_py())
    return FoundQuestion(
        batch=batch.batch,
        item_id=f"{int(batch.ids[place]):016x}",
        path=item["path"],
        family=facts.families[item["family"]] if item["family"] >= 0 else "",
        outcome=facts.outcomes[item["outcome"]] if item["outcome"] >= 0 else "",
        task=facts.tasks[task] if task >= 0 else "",
        status=facts.statuses[status] if status >= 0 else "",
        answer=answer,
        said=tuple(dict.fromkeys(one for one in said.split("\n") if one and one != answer)),
        risk=None if risk < 0 else risk,
        severity=float(batch.numbers["severity"][row]),
        pairs=tuple(
            name for place, name in enumerate(facts.pairs[:MOST_PAIRS]) if bits >> place & 1
        ),
    )
