"""What is known of how right the answers of a run are, and what waits for people to judge."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestration_assets.schemas.policy import Policy
from orchestration_assets.signals.backlog import judged_questions, open_reviews
from orchestration_assets.signals.gold_accuracy import accuracy_of
from resources.home import Home


@dataclass(frozen=True, slots=True)
class Judging:
    """``right`` is the share of the ``judged`` answers that gold and verdicts confirm, between
    ``low`` and ``high`` in 95 of 100 cases; None where none is judged. ``to_review`` counts by
    review file the questions that nobody has judged; ``verdicts`` is the folder for filled in ones.
    """

    right: float | None = None
    low: float | None = None
    high: float | None = None
    judged: int = 0
    to_review: Mapping[str, int] = field(default_factory=dict)
    verdicts: str = ""


def judging(home: Home, policy: Policy, batches: Sequence[str]) -> Judging:
    """Of the answers and questions of these batches."""
    judged = judged_questions(home.tables)
    counts = {
        str(home.review / f"{batch}.csv"): open_reviews(home.tables, batch, judged)
        for batch in batches
    }
    waiting = {file: count for file, count in counts.items() if count}
    measured = accuracy_of(home.tables, policy, batches) if judged else None
    if measured is None:
        return Judging(to_review=waiting, verdicts=str(home.verdicts))
    return Judging(
        measured.value,
        measured.low,
        measured.high,
        measured.count or 0,
        waiting,
        str(home.verdicts),
    )


def judging_lines(found: Judging) -> Iterator[str]:
    """A line on accuracy, and one on review, where there is any."""
    if found.right is not None:
        low, high = found.low or 0.0, 1.0 if found.high is None else found.high
        yield (
            f"  right         {found.right:.0%} of {found.judged:,} judged answers "
            f"({low:.0%} to {high:.0%}), by gold and verdicts; by task: orchestrate signals"
        )
    if found.to_review:
        first, *others = found.to_review
        more = f" and {len(others):,} more beside it" if others else ""
        count = sum(found.to_review.values())
        waits = "question waits" if count == 1 else "questions wait"
        yield (
            f"  review        {count:,} {waits} for a verdict: fill in {first}{more}, and drop it "
            f"into {found.verdicts}"
        )
