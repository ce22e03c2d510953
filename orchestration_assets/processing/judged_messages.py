"""Verdicts of people about answers that later messages remember: for those they stand."""

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.conversations.batch_index import indexed_batches
from orchestration_assets.conversations.late_answers import note_later, places_of
from orchestration_assets.conversations.stale import (
    is_asked_again,
    stale_batches,
    unsettled_items,
)
from orchestration_assets.evidence.verdict_history import gold_rows
from orchestration_assets.policy.memory import memory_tasks, remembered_tasks
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.judged_inputs import answer_judged, with_verdict
from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.conversations import THREAD_MESSAGES
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.task_inputs import InputAnswer, InputState
from orchestration_assets.schemas.verdicts import GoldRow
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.locks import locked
from resources.table_store import TableMissingError

WHY: Final = "a person judged an answer about a message before it"
_FILE: Final = "judged.json"


class JudgedMessages:
    """What people said of answers that the memory holds, by the policy that says which these are.

    A verdict counts for the very content that it was given about.
    """

    def __init__(self, home: Home, policy: Policy) -> None:
        self._home, self._policy = home, policy
        self._tasks = build_tasks(policy)

    def standing(
        self, item_id: str, content_hash: str | None, task: str, stands: Answer | None
    ) -> Answer | None:
        """The answer with the verdict in its place, where there is one."""
        row = self._verdicts.get((item_id, task))
        if row is None or row.content_hash is None or row.content_hash != content_hash:
            return stands
        before = InputAnswer(InputState.ABSTAINED, stands)
        return with_verdict(before, answer_judged(row), self._tasks[task]).answer

    @cached_property
    def _verdicts(self) -> Mapping[tuple[str, str], GoldRow]:
        wanted = remembered_tasks(self._policy)
        rows = gold_rows(self._home.tables) if wanted else []
        return {
            (row.item_id, row.task): row
            for row in rows
            if row.task in wanted and row.task in self._tasks
        }


def note_judged(home: Home, policy: Policy) -> int:
    """Notes as stale the messages that come after one about which a remembered answer was judged
    since this was last done; in how many conversations a run asks about such again.

    What is noted is remembered last: who is killed in between has noted too much, never too little.
    Raises DamagedFileError.
    """
    if not _remembers(home, policy):
        return 0
    count = 0
    with locked(home.threads / ".judged.lock"):
        said = _said(home, policy)
        changed = _changed(home, said)
        threads = _threads(home, changed) if changed else {}
        for name, batches in sorted(threads.items()):
            noted = note_later(home, name, batches, "verdicts", WHY, own=True)
            count += any(is_asked_again(home, batch) for batch in noted)
        if changed:
            home.files.overwrite(_path(home), json.dumps({**_noted(home), **said}).encode())
    return count


def forget_judged(home: Home, items: Collection[str]) -> None:
    """Removes what is kept of verdicts on these items."""
    noted = _noted(home)
    left = {key: told for key, told in noted.items() if _item_of(key) not in items}
    if len(left) < len(noted):
        home.files.overwrite(_path(home), json.dumps(left).encode())


def judged_since(home: Home, policy: Policy) -> Mapping[str, frozenset[str]]:
    """Batch -> its messages that :func:`note_judged` would note now; nothing is written."""
    if not _remembers(home, policy):
        return {}
    changed = _changed(home, _said(home, policy))
    found: dict[str, set[str]] = {}
    for name, batches in (_threads(home, changed) if changed else {}).items():
        for batch, items in places_of(home, name, batches, own=True).items():
            found.setdefault(batch, set()).update(items)
    return {batch: frozenset(items) for batch, items in sorted(found.items())}


def stale_messages(home: Home, policy: Policy, batches: Iterable[str]) -> dict[str, dict[str, str]]:
    """Finished batch -> its messages that a run asks about again, and why; nothing is written."""
    if not memory_tasks(policy) or not home.threads.exists():
        return {}
    known = list(batches)
    found = {}
    for one in stale_batches(home, known, settles=False):
        found[one.batch] = dict(unsettled_items(home, one.batch))
    for batch, items in judged_since(home, policy).items():
        if batch in known and is_asked_again(home, batch):
            found[batch] = dict.fromkeys(items, WHY) | found.get(batch, {})
    return found


def _remembers(home: Home, policy: Policy) -> bool:
    return bool(remembered_tasks(policy)) and home.threads.exists()


def _said(home: Home, policy: Policy) -> dict[str, str]:
    """Item and task -> a hash of what people say, for tasks whose answers are remembered."""
    wanted = remembered_tasks(policy)
    found = {}
    for row in gold_rows(home.tables):
        if row.task in wanted and row.content_hash is not None:
            told = [row.content_hash, row.answer, row.answer_set, row.answer_score]
            told.append(row.answer_record)
            digest = blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=8)
            found[f"{row.item_id} {row.task}"] = digest.hexdigest()
    return found


def _changed(home: Home, said: Mapping[str, str]) -> frozenset[str]:
    noted = _noted(home)
    return frozenset(_item_of(key) for key, told in said.items() if noted.get(key) != told)


def _item_of(key: str) -> str:
    return key.split(" ", 1)[0]


def _noted(home: Home) -> dict[str, str]:
    """What was noted before; nothing where that is damaged: too much is noted then."""
    try:
        stated = json.loads(_path(home).read_bytes())
        return {str(key): str(told) for key, told in stated.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _path(home: Home) -> Path:
    return home.threads / _FILE


def _threads(home: Home, items: Collection[str]) -> Mapping[str, Mapping[str, set[str]]]:
    """Conversation -> batch -> those of the items that are its messages."""
    found: dict[str, dict[str, set[str]]] = {}
    wanted = pa.array(sorted(items), pa.string())
    for batch in [one.batch for one in indexed_batches(home)]:
        with leaving_out_damage(), suppress(TableMissingError):
            rows = home.tables.read(THREAD_MESSAGES.name, batch, ("item_id", "thread"))
            for item, thread in values(
                rows.filter(pc.is_in(rows["item_id"], wanted)), "item_id", "thread"
            ):
                found.setdefault(thread, {}).setdefault(batch, set()).add(item)
    return found
