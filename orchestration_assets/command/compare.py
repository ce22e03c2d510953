"""`orchestrate compare`: what differs between two batches, or between a batch and a policy.

A policy is replayed over the recorded answers of the batch, without a call; what these do not tell
is said, and not compared.
"""

import json
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from orchestration_assets.command.compare_lines import plain, summary_lines
from orchestration_assets.command.replay import replay_batch, replay_prices
from orchestration_assets.disagreement.replay import (
    PathOutcome,
    ReplayedQuestion,
)
from orchestration_assets.policy.load import LoadedPolicy
from orchestration_assets.policy.registry import PolicyRegistry, UnknownPolicyError
from orchestration_assets.reporting.batch_delta import BatchDelta, batch_delta
from orchestration_assets.reporting.disputed import QuestionKey
from orchestration_assets.reporting.page import render_delta
from orchestration_assets.reporting.question_outcomes import QuestionOutcome, recorded_outcomes
from orchestration_assets.schemas.enums import AnswerKind, ResolutionStatus
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.tables import RESOLUTIONS
from orchestration_assets.settings import Settings
from resources.home import Home
from resources.table_store import write_atomically

_LEAST_WIDTH: Final = 60
_NO_TERMINAL: Final = 10_000
"""Characters of a line where no terminal bounds it."""
_BATCH_PREFIX: Final = 8
"""What names a batch is longer than the number of a policy's version."""


class NothingToCompareError(OrchestrationError):
    """What was named is neither a finished batch nor a policy; the message says what there is."""


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two: a finished batch of a home, or a policy."""

    home: Home
    batch: str | None
    policy: LoadedPolicy | None

    @property
    def words(self) -> str:
        if self.batch is not None:
            return f"batch {self.batch} of {self.home.folder}"
        assert self.policy is not None
        return f"policy {self.policy.hash} of {self.policy.source}"


def compare(
    settings: Settings,
    before: str,
    after: str,
    *,
    other_home: Path | None = None,
    page: Path | None = None,
    as_json: bool = False,
) -> int:
    """Prints what differs; returns the exit code. ``before`` and ``after`` name batches, by their
    first characters too, or policies as :meth:`PolicyRegistry.load` takes them; ``after`` is looked
    for in ``other_home`` where one is given. Two policies are compared on the newest batch.

    Raises NothingToCompareError, PolicyError, UnwritableError.
    """
    home = Home(settings.home)
    old = _side(home, before)
    new = _side(Home(other_home) if other_home else home, after)
    delta = _delta(old, new)
    if page is not None:
        write_atomically(page, render_delta(delta).encode("utf-8", "replace"))
    if as_json:
        sys.stdout.write(json.dumps(plain(delta), indent=1) + "\n")
        return 0
    width = shutil.get_terminal_size((_NO_TERMINAL, 24)).columns
    lines = [*summary_lines(delta, max(width, _LEAST_WIDTH))]
    lines += [f"page    {page}"] if page else []
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _side(home: Home, name: str) -> _Side:
    batches = home.tables.batches(RESOLUTIONS.name)
    long_enough = len(name) >= _BATCH_PREFIX
    found = [one for one in batches if long_enough and one.startswith(name)]
    if name in found or len(found) == 1:
        return _Side(home, name if name in found else found[0], None)
    if len(found) > 1:
        raise NothingToCompareError(
            f"{name} may be {len(found)} batches, from {found[0]} to {found[-1]}: give more of it"
        )
    try:
        return _Side(home, None, PolicyRegistry(home).load(name))
    except UnknownPolicyError as error:
        known = f"its newest batch is {batches[-1]}" if batches else "it has none"
        raise NothingToCompareError(
            f"{name} is no finished batch of {home.folder} ({known}), and no policy: {error}"
        ) from error


def _delta(old: _Side, new: _Side) -> BatchDelta:
    if old.batch is not None and new.batch is not None:
        return batch_delta(
            (old.words, recorded_outcomes(old.home.tables, old.batch)),
            (new.words, recorded_outcomes(new.home.tables, new.batch)),
        )
    about = old if old.batch is not None else new
    batch = about.batch or _newest(about.home)
    recorded = {one.key: one for one in recorded_outcomes(about.home.tables, batch)}
    replays = [_replayed(about.home, batch, one.policy) for one in (old, new)]
    # the side that is no policy is what the other's replay says of the record
    against = replays[0] or replays[1]
    untold: Counter[str] = Counter()
    told: list[list[QuestionOutcome]] = [[], []]
    for key, was in recorded.items():
        if was.kind is AnswerKind.VECTOR:
            untold["a replay tells no two vectors apart"] += 1
            continue
        pair = [_path_of(replay, key, against) for replay in replays]
        why = [one for one in pair if isinstance(one, str)]
        if why:
            untold[why[0]] += 1
            continue
        for side, path in zip(told, pair, strict=True):
            if isinstance(path, PathOutcome):
                side.append(_as_replayed(was, path, recorded=path is against[key].recorded))
    names = [f"{one.words}, on batch {batch}" if one.policy else one.words for one in (old, new)]
    return batch_delta((names[0], told[0]), (names[1], told[1]), untold)


def _newest(home: Home) -> str:
    batches = home.tables.batches(RESOLUTIONS.name)
    if not batches:
        raise NothingToCompareError(
            f"{home.folder} holds no finished batch; run `orchestrate run SOURCE` first"
        )
    return batches[-1]


def _replayed(
    home: Home, batch: str, policy: LoadedPolicy | None
) -> dict[QuestionKey, ReplayedQuestion]:
    if policy is None:
        return {}
    replay = replay_batch(home, batch, policy, replay_prices(home, policy))
    return {(one.item_id, one.task): one for one in replay}


def _path_of(
    replay: Mapping[QuestionKey, ReplayedQuestion],
    key: QuestionKey,
    against: Mapping[QuestionKey, ReplayedQuestion],
) -> PathOutcome | str:
    """What a side took and yielded, or why that is not known. Without a replay of its own a side
    is what was recorded, at the prices of the policy it is held against."""
    found = (replay or against).get(key)
    if found is None:
        return "the policy does not ask it"
    if not replay:
        return found.recorded
    return found.other or found.why or "it is not recorded"


def _as_replayed(was: QuestionOutcome, path: PathOutcome, *, recorded: bool) -> QuestionOutcome:
    """A replay tells no risks and no disputes; the record keeps its own risk."""
    same = path.answer == was.answer
    status = ResolutionStatus.ABSTAINED if path.answer is None else ResolutionStatus.RESOLVED
    return replace(
        was,
        status=was.status if same else status.value,
        answer=path.answer,
        answer_set=was.answer_set if same else None,
        error_risk=was.error_risk if recorded else None,
        disputed=was.disputed if recorded else None,
        calls=path.calls,
        usd=path.usd,
        ms=path.ms,
    )
