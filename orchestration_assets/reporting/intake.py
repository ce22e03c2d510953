"""What came in: the fate of every listed entry, and what the accepted content looks like."""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    CappedCounts,
    Count,
    Example,
    Histogram,
    capped_counts,
    column_counts,
    few,
    grouped,
    histogram,
    numbers,
    share,
    value_counts,
)
from orchestration_assets.reporting.disputed import is_disputed
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import EntryOutcome, ProfileStatus
from orchestration_assets.schemas.tables import outcome_weights

NO_FAMILY = "(no family)"
_EXAMPLES = 3
_UNPROFILED = 10
_TYPES = 12
# a few of the features: a page with all of them would tell nobody anything
_DRAWN = (
    "byte_count",
    "word_count",
    "complexity_score",
    "structure_score",
    "technicality_score",
    "ambiguity_score",
    "creativity_score",
    "lexical_diversity",
    "readability",
)


@dataclass(frozen=True, slots=True)
class ReasonFigures:
    """Entries with one outcome for one reason."""

    reason: str
    count: int
    examples: CappedCounts[Example]


@dataclass(frozen=True, slots=True)
class OutcomeFigures:
    """Entries with one outcome; ``reasons`` is empty where the outcome needs none."""

    outcome: str
    count: int
    of: int
    reasons: tuple[ReasonFigures, ...]


@dataclass(frozen=True, slots=True)
class FamilyFigures:
    """Items of one content family, the questions about them, and how many are disputed."""

    family: str
    items: int
    of: int
    size_bytes: int
    asked: int
    disputed: int

    @property
    def disputed_share(self) -> float:
        """Share of the questions about its items that are disputed."""
        return share(self.disputed, self.asked)


@dataclass(frozen=True, slots=True)
class ContentFigures:
    """What the accepted content looks like."""

    profiled: int
    sampled: int
    unprofiled: CappedCounts[Example]
    families: tuple[FamilyFigures, ...]
    with_secrets: int
    extensions: CappedCounts[Count]
    grammars: CappedCounts[Count]
    histograms: tuple[Histogram, ...]


def outcome_figures(manifest: pa.Table) -> tuple[OutcomeFigures, ...]:
    """Every outcome that occurs, in the order of the vocabulary, with reasons and examples."""
    weights = outcome_weights(manifest).to_pylist()
    alike = grouped(values(manifest, "outcome", "reason"))
    counts = {key: sum(weights[row] for row in rows) for key, rows in alike.items()}
    total = sum(weights)
    figures = []
    for outcome in EntryOutcome:
        of_outcome = {
            reason: count for (name, reason), count in counts.items() if name == outcome.value
        }
        if not of_outcome:
            continue
        reasons = []
        named = [(reason, count) for reason, count in of_outcome.items() if reason is not None]
        # the most frequent first; for ties by name
        for reason, count in sorted(named, key=lambda one: (-one[1], one[0])):
            rows = alike[outcome.value, reason][:_EXAMPLES]
            examples = tuple(
                Example(path, detail) for path, detail in few(manifest, rows, "path", "detail")
            )
            reasons.append(ReasonFigures(reason, count, CappedCounts(examples, count)))
        listed = sum(of_outcome.values())
        figures.append(OutcomeFigures(outcome.value, listed, total, tuple(reasons)))
    return tuple(figures)


def families_of(profiles: pa.Table) -> dict[str, str]:
    """The content family of each profiled item, by item id."""
    return dict(values(profiles, "item_id", "family"))


def content_figures(
    manifest: pa.Table, profiles: pa.Table, resolutions: pa.Table, disputes: pa.Table
) -> ContentFigures:
    """The accepted content by family and type, with the distributions of a few features."""
    status = profiles.column("status")
    ok = profiles.filter(pc.equal(status, ProfileStatus.OK.value))
    failed = profiles.filter(pc.not_equal(status, ProfileStatus.OK.value))
    examples = tuple(
        Example(path, f"{status}: {reason}" if reason else status)
        for path, status, reason in values(failed.slice(0, _UNPROFILED), "path", "status", "reason")
    )
    drawn = (_drawn(ok, name) for name in _DRAWN)
    return ContentFigures(
        profiled=ok.num_rows,
        sampled=int(pc.sum(pc.less(ok.column("coverage"), 1.0)).as_py() or 0),
        unprofiled=CappedCounts(examples, failed.num_rows),
        families=_family_figures(manifest, ok, resolutions, disputes),
        with_secrets=int(pc.sum(pc.greater(ok.column("secret_count"), 0)).as_py() or 0),
        extensions=_by(ok, "extension"),
        grammars=_by(ok, "language_guess"),
        histograms=tuple(one for one in drawn if one is not None),
    )


def _family_figures(
    manifest: pa.Table, profiles: pa.Table, resolutions: pa.Table, disputes: pa.Table
) -> tuple[FamilyFigures, ...]:
    family = families_of(profiles)
    sizes: Counter[str] = Counter()
    for item, size in values(manifest, "item_id", "size_bytes"):
        if item in family:
            sizes[family[item]] += size
    asked, disputed = (
        Counter(family[item] for item in rows["item_id"].to_pylist() if item in family)
        for rows in (
            resolutions,
            resolutions.filter(pa.array(is_disputed(resolutions, disputes))),
        )
    )
    return tuple(
        FamilyFigures(
            name,
            count,
            len(family),
            sizes[name],
            asked[name],
            disputed[name],
        )
        for name, count in value_counts(family.values()).items()
    )


def _by(profiles: pa.Table, column: str) -> CappedCounts[Count]:
    """Items by the values of one column; the empty value is called none."""
    counts = column_counts(pc.replace_substring_regex(profiles[column], "^$", "(none)"))
    return capped_counts(counts, _TYPES)


def _drawn(profiles: pa.Table, name: str) -> Histogram | None:
    notes = profiles.schema.field(name).metadata or {}
    return histogram(
        name,
        numbers(profiles[name]),
        meaning=notes.get(b"meaning", b"").decode(),
        unit=notes.get(b"unit", b"").decode(),
        span=(0.0, 1.0) if name.endswith("_score") else None,
    )
