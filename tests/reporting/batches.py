"""A synthetic batch: tables as the other floors would write them, of any size, from a seed."""

import random
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from orchestration_assets.schemas import tables as t
from orchestration_assets.schemas.enums import (
    Outcome,
    ProcessingModel,
    ProfileStatus,
    RejectReason,
    ResolutionStatus,
    Status,
)
from orchestration_assets.schemas.features import FEATURES
from orchestration_assets.schemas.records import rows_to_arrow

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
_TASKS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "content_type": (("file_name", "markers", "magika"), ("code", "prose", "markup", "data")),
    "tone": (("lexicon", "naive_bayes", "embedding_knn"), ("positive", "neutral", "negative")),
}
_SKILL = {
    "file_name": 0.97,
    "markers": 0.9,
    "magika": 0.975,
    "lexicon": 0.78,
    "naive_bayes": 0.86,
    "embedding_knn": 0.83,
}
_QUIET = {"file_name": 0.09, "lexicon": 0.22}
_MS = {
    "file_name": 0.03,
    "markers": 0.4,
    "magika": 5.5,
    "lexicon": 0.2,
    "naive_bayes": 0.9,
    "embedding_knn": 21.0,
}
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
    }
    return {name: rows_to_arrow(table, rows.get(name, ())) for name, table in named.items()}


# the least that a profile may hold: features that must have a value have their type's empty one
_LEAST = {feature.name: feature.type() for feature in FEATURES if not feature.nullable}


def profile(row: t.ProfileRow, **features: Any) -> dict[str, Any]:
    """A profile row with the features given; all others are empty."""
    plain = {field.name: getattr(row, field.name) for field in fields(row)}
    return plain | {"features_missing": list(row.features_missing)} | _LEAST | features


def manifest_row(item: str, path: str, outcome: Outcome, **rest: Any) -> t.ManifestRow:
    """A manifest row with the usual rest."""
    given: dict[str, Any] = {
        "reason": None,
        "detail": None,
        "computed_as": item if outcome is Outcome.ACCEPTED else None,
        "content_hash": f"c{item}",
        "size_bytes": 1000,
        "modified_ns": 1,
        "encoding": "utf-8",
        "encoding_from": "utf-8",
    }
    return t.ManifestRow(
        BATCH, item, f"{SOURCE}/{path}", path=path, outcome=outcome, **(given | rest)
    )


def synthetic_batch(entries: int, seed: int = 7) -> dict[str, pa.Table]:
    """The tables of a batch with this many listed entries."""
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
            (Outcome.ACCEPTED, Outcome.UNCHANGED, Outcome.DUPLICATE, Outcome.REJECTED),
            (876, 60, 34, 30),
        )[0]
        reason = rng.choice(_REJECTS) if outcome is Outcome.REJECTED else None
        detail = f"{reason.value.replace('_', ' ')}: {size:,} bytes" if reason else None
        rows["content_manifest"].append(
            manifest_row(item, path, outcome, reason=reason, detail=detail, size_bytes=size)
        )
        if outcome is Outcome.ACCEPTED:
            _accepted(rng, rows, item, path, family, extension, grammar, size)
    return as_tables(rows)


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
    if lost:
        return
    for task in ("content_type", "tone") if prosaic else ("content_type",):
        _question(rng, rows, item, path, family, task, odd=not extension)


def _question(
    rng: random.Random,
    rows: dict[str, list[Any]],
    item: str,
    path: str,
    family: str,
    task: str,
    *,
    odd: bool,
) -> None:
    services, labels = _TASKS[task]
    truth = family if task == "content_type" else rng.choices(labels, (30, 52, 18))[0]
    parallel = odd or task == "tone"
    model = ProcessingModel.PARALLEL if parallel else ProcessingModel.SEQUENTIAL
    rule = None if not parallel else "no_extension" if odd and task == "content_type" else "voices"
    why = {
        None: "the name and the markers settle most files; ask the model only where they do not",
        "no_extension": "without an extension the name says little: ask all services at once",
        "voices": "tone is a matter of judgement: every voice is wanted",
    }[rule]
    rows["processing_plans"].append(
        t.PlanRow(
            *(BATCH, item, f"c{item}", path, task, model, False, services),
            None if parallel else 0.95,
            1,
            "rules" if rule else "default",
            rule,
            (t.FeatureInput("has_extension", str(not odd).lower()),),
            why,
            len(services) if parallel else 1,
            len(services),
            sum(_MS[service] for service in services),
            0.0001 * len(services),
            (),
            POLICY,
        )
    )
    readings: list[t.InterpretationRow] = []
    for step, service in enumerate(services):
        reading = _reading(rng, item, task, service, step, truth, labels, odd=odd)
        readings.append(reading)
        cached = rng.random() < 0.35
        rows["call_log"].append(
            t.CallRow(
                *(BATCH, item, task, service, step, 1),
                "cache" if cached else "called",
                reading.status,
                0.0 if cached or service != "embedding_knn" else 0.00012,
                START + timedelta(milliseconds=step),
                0.005 if cached else _MS[service] * rng.lognormvariate(0, 0.5),
            )
        )
        if not parallel and (reading.confidence or 0.0) >= 0.95:
            break
    rows["interpretations"] += readings
    rows["decision_log"] += [
        t.DecisionRow(BATCH, item, task, 0, "ask", services, "as planned", None, None),
        t.DecisionRow(BATCH, item, task, 1, "stop", (), "sure enough", None, None),
    ]
    _resolved(rows, item, path, task, readings)


def _reading(
    rng: random.Random,
    item: str,
    task: str,
    service: str,
    step: int,
    truth: str,
    labels: tuple[str, ...],
    *,
    odd: bool,
) -> t.InterpretationRow:
    draw = rng.random()
    quiet = _QUIET.get(service, 0.0) + (0.6 if odd and service == "file_name" else 0.0)
    status = Status.OK
    if draw < quiet:
        status = Status.ABSTAINED
    elif draw > 0.997:
        status = Status.TIMEOUT if service in ("magika", "embedding_knn") else Status.FAILED
    right = rng.random() < _SKILL[service]
    answer = truth if right else rng.choice([label for label in labels if label != truth])
    confidence = min(0.999, rng.betavariate(14, 2) if right else rng.betavariate(6, 3))
    if service == "file_name" and right:
        confidence = 0.97
    words = {
        "file_name": "extension and folder of the path",
        "markers": "9 of 12 lines begin like this family; two blocks are fenced",
        "magika": "model score over 214 content types",
        "lexicon": "hits: great (2), smooth, however (1), poor (1)",
        "naive_bayes": "log odds +1.8 from 'works', 'again', 'thanks'",
        "embedding_knn": "7 of 9 nearest neighbours carry this label",
    }[service]
    ok = status is Status.OK
    return t.InterpretationRow(
        *(BATCH, item, f"c{item}", task, service, "1.2", step, status),
        answer if ok else None,
        confidence if ok else None,
        (),
        words if ok else None,
        None if ok else "nothing in the lexicon occurs" if service == "lexicon" else status.value,
        f"k{item}{service}",
    )


def _resolved(
    rows: dict[str, list[Any]],
    item: str,
    path: str,
    task: str,
    readings: list[t.InterpretationRow],
) -> None:
    weights: dict[str, float] = {}
    ok = [reading for reading in readings if reading.status is Status.OK]
    for reading in ok:
        assert reading.answer is not None and reading.confidence is not None
        weights[reading.answer] = weights.get(reading.answer, 0.02) * (
            reading.confidence / (1 - reading.confidence)
        )
    answer = max(weights, key=lambda name: weights[name], default=None)
    risk = 1 - weights[answer] / (sum(weights.values()) + 0.3) if answer else None
    silent = all(reading.status is Status.ABSTAINED for reading in readings)
    unanswered = ResolutionStatus.ABSTAINED if silent else ResolutionStatus.FAILED
    supporters = tuple(reading.service for reading in ok if reading.answer == answer)
    dissenters = tuple(reading.service for reading in ok if reading.answer != answer)
    rows["resolutions"].append(
        t.ResolutionRow(
            *(BATCH, item, f"c{item}", path, task),
            ResolutionStatus.RESOLVED if answer else unanswered,
            answer,
            risk,
            risk,
            supporters,
            dissenters,
            f"{len(supporters)} for {answer}, {len(dissenters)} against; weighed by confidence"
            if answer
            else "no service gave an answer",
            tuple(t.ReadingSummary(r.service, r.status, r.answer, r.confidence) for r in readings),
        )
    )
    for first in ok:
        for second in ok:
            if first.service < second.service and first.answer != second.answer:
                rows["disagreements"].append(disagreement(item, path, task, first, second))


def disagreement(
    item: str, path: str, task: str, a: t.InterpretationRow, b: t.InterpretationRow
) -> t.DisagreementRow:
    """The row of two readings that differ."""
    assert a.answer is not None and b.answer is not None
    return t.DisagreementRow(
        *(BATCH, item, f"c{item}", path, task),
        *(a.service, a.answer, a.confidence, b.service, b.answer, b.confidence),
        "label_conflict",
        (a.confidence or 0.0) * (b.confidence or 0.0),
        f"{a.service}: {a.evidence}; {b.service}: {b.evidence}",
    )
