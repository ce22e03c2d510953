"""A synthetic batch: tables as the other floors would write them, of any size, from a seed."""

import random
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from orchestration_assets.disagreement.review import QuestionFacts, disputes_of, review_queue
from orchestration_assets.schemas import tables as t
from orchestration_assets.schemas.disagreement import DisputeKindRow
from orchestration_assets.schemas.enums import (
    DisputeKind,
    EntryOutcome,
    ProfileStatus,
    RejectReason,
)
from orchestration_assets.schemas.features import FEATURES
from orchestration_assets.schemas.records import rows_to_arrow
from tests.reporting.questions import Asked, ask, tasks_of

BATCH = "20261121T104508Z-5fd0a1c2"
SOURCE = "file:///srv/content"
POLICY = "9b1f0c77d2a94e0b8c1d2e3f40516273"
START = datetime(2026, 11, 21, 10, 45, 8, tzinfo=UTC)

# family -> (extension, the grammar that reads it)
_SHAPES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "code": (("py", "python"), ("ts", "typescript"), ("go", "go"), ("sh", "bash"), ("", "python")),
    "prose": (("txt", ""), ("rst", ""), ("", "")),
    "markup": (("md", "markdown"), ("html", "html")),
    "data": (("json", "json"), ("yaml", "yaml"), ("csv", "")),
}
_FOLDERS = ("docs/guides", "src/server", "src/client/views", "notes/2026", "exports", "tools")
_WORDS = ("index", "readme", "session", "router", "billing", "survey", "changelog", "parser")
_REJECTS = (RejectReason.EMPTY, RejectReason.BINARY, RejectReason.BINARY, RejectReason.TOO_LARGE)


def as_tables(rows: Mapping[str, list[Any]]) -> dict[str, pa.Table]:
    """Rows by table name as the Arrow tables that the reporting floor is given."""
    named = {
        "content_manifest": t.CONTENT_MANIFEST,
        "content_profiles": t.CONTENT_PROFILES,
        "processing_plans": t.PROCESSING_PLANS,
        "interpretations": t.PARALLEL_INTERPRETATIONS,
        "decision_log": t.DECISION_LOG,
        "call_log": t.CALL_LOG,
        "resolutions": t.RESOLUTIONS,
        "disagreements": t.DISAGREEMENTS,
        "dispute_kinds": t.DISPUTE_KINDS,
        "review_queue": t.REVIEW_QUEUE,
    }
    return {name: rows_to_arrow(table, rows.get(name, ())) for name, table in named.items()}


# the least that a profile may hold: features that must have a value have their type's empty one
_LEAST = {feature.name: feature.type() for feature in FEATURES if not feature.nullable}


def profile(row: t.ProfileRow, **features: Any) -> dict[str, Any]:
    """A profile row with the features given; all others are empty."""
    plain = {field.name: getattr(row, field.name) for field in fields(row)}
    return plain | {"features_missing": list(row.features_missing)} | _LEAST | features


def manifest_row(item: str, path: str, outcome: EntryOutcome, **rest: Any) -> t.ManifestRow:
    """A manifest row with the usual rest."""
    given: dict[str, Any] = {
        "reason": None,
        "detail": None,
        "computed_as": item if outcome is EntryOutcome.ACCEPTED else None,
        "content_hash": f"c{item}",
        "size_bytes": 1000,
        "modified_ns": 1,
        "encoding": "utf-8",
        "encoding_from": "utf-8",
        "kept": False,
        "record": None,
        "metadata": (),
    }
    return t.ManifestRow(
        BATCH, item, item, f"{SOURCE}/{path}", path=path, outcome=outcome, **(given | rest)
    )


def synthetic_batch(entries: int, seed: int = 7) -> dict[str, pa.Table]:
    """The tables of a batch with this many listed entries: every kind of answer and model."""
    rng = random.Random(seed)
    rows: dict[str, list[Any]] = {name: [] for name in as_tables({})}
    for number in range(entries):
        item = f"{number:016x}"
        family = rng.choices(list(_SHAPES), (46, 22, 20, 12))[0]
        extension, grammar = rng.choice(_SHAPES[family])
        suffix = f".{extension}" if extension else ""
        path = f"{rng.choice(_FOLDERS)}/{rng.choice(_WORDS)}_{number:05d}{suffix}"
        size = max(1, int(rng.lognormvariate(8.1, 1.5)))
        outcome = rng.choices(
            (
                EntryOutcome.ACCEPTED,
                EntryOutcome.UNCHANGED,
                EntryOutcome.DUPLICATE,
                EntryOutcome.REJECTED,
            ),
            (876, 60, 34, 30),
        )[0]
        reason = rng.choice(_REJECTS) if outcome is EntryOutcome.REJECTED else None
        detail = f"{reason.value.replace('_', ' ')}: {size:,} bytes" if reason else None
        rows["content_manifest"].append(
            manifest_row(item, path, outcome, reason=reason, detail=detail, size_bytes=size)
        )
        if outcome is EntryOutcome.ACCEPTED:
            _accepted(rng, rows, item, path, family, extension, grammar, size)
    rows["dispute_kinds"] = _kinds(rng, rows["disagreements"])
    resolved = as_tables(rows)["resolutions"]
    disputes = disputes_of(t.DISAGREEMENTS.rows(as_tables(rows)["disagreements"]))
    rows["review_queue"] = review_queue(resolved, QuestionFacts(disputes=disputes), {}, {}, [], 300)
    return as_tables(rows)


def _kinds(rng: random.Random, disagreements: list[t.DisagreementRow]) -> list[DisputeKindRow]:
    """A kind for some of the questions in dispute."""
    found = {}
    for row in disagreements:
        if rng.random() < 0.3:
            kind = rng.choice(list(DisputeKind))
            found[row.item_id, row.task] = DisputeKindRow(
                *(row.batch, row.item_id, row.content_hash, row.path, row.task, kind),
                services=(row.service_a, row.service_b),
                score=rng.random(),
                evidence=f"{row.answer_a[:40]!r} against {row.answer_b[:40]!r}",
            )
    return list(found.values())


def _accepted(
    rng: random.Random,
    rows: dict[str, list[Any]],
    item: str,
    path: str,
    family: str,
    extension: str,
    grammar: str,
    size: int,
) -> None:
    lost = rng.random() < 0.002
    row = t.ProfileRow(
        BATCH,
        item,
        f"c{item}",
        path,
        ProfileStatus.SUPERSEDED if lost else ProfileStatus.OK,
        "the bytes changed since they were listed" if lost else None,
        1.0 if size < 60_000 else 0.2,
        (),
        "computed",
        False,
        rng.lognormvariate(-2, 0.6),
        rng.lognormvariate(-0.4, 0.7),
        rng.lognormvariate(-1.3, 0.7),
        rng.lognormvariate(-3, 0.4),
    )
    skew = {"code": (5, 3), "prose": (2, 5), "markup": (3, 4), "data": (2, 6)}[family]
    prosaic = family in ("prose", "markup")
    rows["content_profiles"].append(
        profile(
            row,
            byte_count=size,
            word_count=size // 6,
            family=family,
            extension=extension,
            language_guess=grammar,
            secret_count=int(rng.random() < 0.003),
            complexity_score=rng.betavariate(*skew),
            structure_score=rng.betavariate(3, 3),
            technicality_score=rng.betavariate(*skew),
            ambiguity_score=rng.betavariate(2, 6),
            creativity_score=rng.betavariate(3, 5),
            lexical_diversity=max(12.0, rng.gauss(78, 22)) if prosaic else None,
            readability=rng.gauss(52, 18) if prosaic else None,
        )
    )
    if not lost:
        about = Asked(BATCH, item, path, family, size, odd=not extension, policy=POLICY)
        for task in tasks_of(family):
            for table, row_of_question in ask(rng, about, task, START):
                rows[table].append(row_of_question)
