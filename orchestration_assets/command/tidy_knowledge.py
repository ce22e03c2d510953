"""What of the index of knowledge nobody needs any more: looked up only, nothing is changed."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.policy.kept_policies import KeptPolicyError, read_kept_policy
from orchestration_assets.schemas.tables import PROCESSING_PLANS
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.knowledge_store import KnowledgeError, KnowledgeStore


@dataclass(frozen=True, slots=True)
class UnusedIndex:
    """Of one corpus the versions that nothing refers to, and the segments that only these name."""

    corpus: str
    versions: tuple[str, ...]
    segments: tuple[str, ...]
    size_bytes: int


def unused_indexes(
    home: Home,
    batches: Collection[str],
    declared: Collection[str],
    now: datetime,
    older_than: timedelta,
) -> list[UnusedIndex]:
    """What can go of each corpus. ``batches`` are those that stay, ``declared`` the corpora of the
    policy in force.

    Needed is the version in force of a corpus that this policy declares, or one that a batch which
    stays was planned under; any version of which a stored plan shows a passage; and what is young.
    Of a corpus of which something cannot be read all stays, and everything where a plan cannot.
    """
    shown = _pinned(home, batches)
    if shown is None:
        return []
    pinned, policies = shown
    corpora = _corpora(home, policies)
    found = []
    for corpus in home.knowledge.corpora():
        in_use = corpora is None or corpus in corpora or corpus in declared
        latest = now - older_than
        if unused := _unused(home, corpus, pinned, latest.timestamp(), in_use=in_use):
            found.append(unused)
    return found


def _unused(
    home: Home, corpus: str, pinned: Collection[tuple[str, str]], latest: float, *, in_use: bool
) -> UnusedIndex | None:
    store = home.knowledge
    current = store.current(corpus)
    going: list[str] = []
    named: set[str] = set()
    for version in store.versions(corpus):
        stays = (in_use and version == current) or (corpus, version) in pinned
        if not stays and _written(store.version_files(corpus, version)) < latest:
            going.append(version)
            continue
        told = _named(store, corpus, version)
        if told is None:
            return None
        named |= told
    freed: set[str] = set().union(*(_named(store, corpus, one) or () for one in going))
    segments = [
        one
        for one in store.segments(corpus)
        # what no version names yet may be of one that is made now, on a machine that was taken
        # for dead
        if one not in named
        and (one in freed or _written(store.segment_files(corpus, one)) < latest)
    ]
    files = [path for one in going for path in store.version_files(corpus, one)]
    files += [path for one in segments for path in store.segment_files(corpus, one)]
    if not going and not segments:
        return None
    size = sum(path.stat().st_size for path in files)
    return UnusedIndex(corpus, tuple(going), tuple(segments), size)


def _named(store: KnowledgeStore, corpus: str, version: str) -> set[str] | None:
    """The segments that a version names; None where it cannot be read."""
    try:
        told = store.documents(corpus, version)["segment"].unique().to_pylist()
    except KnowledgeError:
        return None
    return {segment for segment in told if segment}


def _written(paths: Iterable[Path]) -> float:
    return max((path.stat().st_mtime for path in paths), default=0.0)


def _pinned(home: Home, batches: Iterable[str]) -> tuple[set[tuple[str, str]], set[str]] | None:
    """Corpus and version of every passage that plans of the batches show; their policies. None
    where a plan cannot be read, which is said."""
    pinned: set[tuple[str, str]] = set()
    policies: set[str] = set()
    for batch in batches:
        if not home.tables.exists(PROCESSING_PLANS.name, batch):
            continue
        is_read = False
        with leaving_out_damage():
            plans = home.tables.read(PROCESSING_PLANS.name, batch, ["policy_hash", "passages"])
            policies.update(plans["policy_hash"].unique().to_pylist())
            pinned.update(_shown(plans["passages"]))
            is_read = True
        if not is_read:
            return None
    return pinned, policies


def _shown(passages: pa.ChunkedArray) -> Iterator[tuple[str, str]]:
    if passages.null_count == len(passages):
        return
    told = pc.list_flatten(passages)
    names = {name: pc.struct_field(told, name) for name in ("corpus", "version")}
    for row in pa.table(names).group_by(["corpus", "version"]).aggregate([]).to_pylist():
        yield row["corpus"], row["version"]


def _corpora(home: Home, policies: Iterable[str]) -> frozenset[str] | None:
    """The corpora that these policies declare; None where one cannot be read any more."""
    found: set[str] = set()
    for name in policies:
        try:
            found.update(read_kept_policy(home.policies / f"{name}.json").knowledge)
        except KeptPolicyError:
            return None
    return frozenset(found)
