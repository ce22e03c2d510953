"""What came of each item of a batch under a roll-out, written down as soon as it is over.

A batch that is killed or carried out again finds its answers in the cache, which tell nothing of
errors and latency: what was seen of them the first time is all that is ever seen. So an item counts
once for a roll-out, as it came out first.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from orchestration_assets.evidence.cohort_comparison import ItemOutcome
from orchestration_assets.schemas.errors import DamagedFileError
from orchestration_assets.schemas.rollout import RolloutMetric
from resources.home import Home
from resources.line_file import LineFile


class Side(StrEnum):
    """Which policy an outcome is of."""

    CONTROL = "control"
    CANARY = "canary"


@dataclass
class RolloutJournal:
    """The outcomes of one batch, in the order in which they came.

    ``pairs_items``: both policies are asked about the same items (a shadow), so that an item has
    an outcome of each; else of one of them.
    """

    file: LineFile
    path: str
    pairs_items: bool = False
    _known: set[tuple[str, Side | None]] = field(default_factory=set)

    def earlier(self) -> Iterator[tuple[Side, ItemOutcome]]:
        """What was written down when the batch was carried out before; known from now on.

        Raises DamagedFileError.
        """
        try:
            found = [_parsed(line) for line in self.file.lines()]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedFileError(
                self.path,
                f"does not say what came of items on trial ({error})",
                "delete it: what it says is then not counted",
            ) from error
        for side, outcome in found:
            if self._is_new(side, outcome):
                yield side, outcome

    def add(self, side: Side, outcome: ItemOutcome) -> bool:
        """Writes an outcome down; False where the item has one already, which stands."""
        if not self._is_new(side, outcome):
            return False
        stated = {
            "side": side.value,
            "item": outcome.item_id,
            "stratum": outcome.stratum,
            "figures": {metric.value: value for metric, value in outcome.figures.items()},
        }
        self.file.add(json.dumps(stated, separators=(",", ":"), allow_nan=False))
        return True

    def _is_new(self, side: Side, outcome: ItemOutcome) -> bool:
        key = outcome.item_id, side if self.pairs_items else None
        if key in self._known:
            return False
        self._known.add(key)
        return True


def journal_of(home: Home, rollout: str, batch: str, *, pairs_items: bool) -> RolloutJournal:
    """The journal of a batch under a roll-out."""
    path = home.rollouts / rollout / f"{batch}.jsonl"
    return RolloutJournal(LineFile(path, home.files), str(path), pairs_items)


def forget_outcomes(home: Home, batch: str, items: Collection[str]) -> int:
    """Removes what journals of a batch say of items; how many lines that were."""
    removed = 0
    for path in sorted(home.rollouts.glob(f"*/{batch}.jsonl")):
        file = LineFile(path, home.files)
        lines = file.lines()
        left = [line for line in lines if not any(item in line for item in items)]
        if len(left) < len(lines):
            file.write(left)
            removed += len(lines) - len(left)
    return removed


def _parsed(line: str) -> tuple[Side, ItemOutcome]:
    stated = json.loads(line)
    figures = {RolloutMetric(name): float(value) for name, value in stated["figures"].items()}
    stratum = tuple(map(str, stated["stratum"]))
    return Side(stated["side"]), ItemOutcome(str(stated["item"]), stratum, figures)
