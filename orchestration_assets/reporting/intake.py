"""What came in: the fate of every listed entry, and what the accepted content looks like."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.reporting.counts import (
    CappedCounts,
    Count,
    Example,
    Histogram,
    capped_counts,
    few,
    frame,
    histogram,
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
    entries = frame(manifest, "outcome", "reason")
    entries["count"] = outcome_weights(manifest).to_numpy()
    total = int(entries["count"].sum())
    figures = []
    for outcome in EntryOutcome:
        of_outcome = entries[entries["outcome"] == outcome.value]
        if of_outcome.empty:
            continue
        reasons = []
        by_reason = of_outcome.groupby("reason", observed=True)["count"].sum()
        # the most frequent first; for ties by name
        for reason, count in sorted(by_reason.items(), key=lambda one: (-one[1], one[0])):
            rows = of_outcome.index[of_outcome["reason"] == reason][:_EXAMPLES]
            examples = tuple(
                Example(path, detail)
                for path, detail in few(manifest, list(rows), "path", "detail")
            )
            capped = CappedCounts(examples, int(count))
            reasons.append(ReasonFigures(str(reason), int(count), capped))
        listed = int(of_outcome["count"].sum())
        figures.append(OutcomeFigures(outcome.value, listed, total, tuple(reasons)))
    return tuple(figures)


def families_of(profiles: pa.Table) -> "pd.Series[str]":
    """The content family of each profiled item, indexed by item id."""
    rows = frame(profiles, "item_id", "family")
    return rows.set_index("item_id")["family"].astype("str").fillna(NO_FAMILY)


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
    size = frame(manifest, "item_id", "size_bytes").set_index("item_id")["size_bytes"]
    sizes = size.reindex(family.index).fillna(0).groupby(family).sum()
    questions = pd.DataFrame(
        {
            "family": family.reindex(resolutions.column("item_id").to_pandas()).to_numpy(),
            "disputed": is_disputed(resolutions, disputes),
        }
    )
    asked = questions.groupby("family")["disputed"].agg(["size", "sum"])
    return tuple(
        FamilyFigures(
            name,
            count,
            len(family),
            int(sizes[name]),
            int(asked["size"].get(name, 0)),
            int(asked["sum"].get(name, 0)),
        )
        for name, count in value_counts(family).items()
    )


def _by(profiles: pa.Table, column: str) -> CappedCounts[Count]:
    """Items by the values of one column; the empty value is called none."""
    values = frame(profiles, column)[column].astype("str").fillna("")
    return capped_counts(value_counts(values.replace("", "(none)")), _TYPES)


def _drawn(profiles: pa.Table, name: str) -> Histogram | None:
    notes = profiles.schema.field(name).metadata or {}
    return histogram(
        name,
        frame(profiles, name)[name].astype("float64"),
        meaning=notes.get(b"meaning", b"").decode(),
        unit=notes.get(b"unit", b"").decode(),
        span=(0.0, 1.0) if name.endswith("_score") else None,
    )
