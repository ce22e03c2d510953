"""Structured answers of several services: what stands of each field, and whether its risk is true.

``python -m benchmarks record_consensus [--documents N] [--seeds A,B] [--shared P]
[--verdicts N] [--json FILE]``: generated invoices, reminders and letters whose truth is known, read
by three scripted services of different skill and by the embedded ``labelled_values``, which knows
one label a language for each field. ``--shared`` is how often the luck of the scripted ones about a
value is the same. Figures are over all seeds; models are learned for each seed alone, from
agreement, as in a batch.
Then the first half of the documents is a batch of which N questions are drawn as the review queue
draws them and answered rightly, and the second half is settled with what that taught, and without:
by all services, and by two, which cannot judge each other.
"""

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from benchmarks._document_services import SHARED, SKILLS, reading
from benchmarks._document_words import LANGUAGES
from benchmarks._documents import TASK, GeneratedDocument, documents
from benchmarks._output import table, write_json
from benchmarks._record_lessons import AFTER, BEFORE, lessons_figures
from benchmarks._record_scores import Judged, judged, majority, marks, risk_figures
from orchestration_assets.disagreement.record_weights import weigh_records
from orchestration_assets.evidence.records.cells import cells_of
from orchestration_assets.evidence.records.consensus import (
    built,
    settle,
)
from orchestration_assets.evidence.records.standing_cells import (
    standing_first,
    without_fallen,
)
from orchestration_assets.profiling.kind import detect_kind
from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Item, Question, Reading
from orchestration_assets.schemas.policy import Disagreement, Review
from orchestration_assets.schemas.record_answers import RecordAnswer
from orchestration_assets.schemas.record_fields import patterns
from orchestration_assets.services.registry import load_embedded

LIMIT_ECE: Final = 0.05
OFFLINE: Final = "labelled_values"
CONSENSUS, MAJORITY = "consensus", "majority"
_TAUGHT: Final = (
    ("large", "medium", "small", OFFLINE),
    ("large", "medium"),
    ("large", "small"),
    ("medium", OFFLINE),
    ("small", OFFLINE),
)
_LESSON_FIGURES: Final = ("accuracy", "mean_ece", "worst_ece")
_THRESHOLDS: Final = (0.02, 0.05, 0.1)
_LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    "number": ("number", "reference"),
    "date": ("date", "letter_date"),
    "due_date": ("due",),
    "customer": ("recipient", "reader"),
    "total": ("total", "open"),
    "vat": ("vat",),
    "people": ("contact", "buyer"),
    "lines.item": ("item",),
    "lines.quantity": ("quantity",),
    "lines.amount": ("amount",),
}
"""Field -> which labels of the generated documents introduce it."""


def main(arguments: Sequence[str]) -> int:
    """``[--documents N] [--seeds A,B,...] [--shared P] [--verdicts N] [--json FILE]``."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks record_consensus", description=__doc__
    )
    parser.add_argument("--documents", type=int, default=1_000)
    parser.add_argument("--seeds", type=_numbers, default=(11, 12, 13), metavar="A,B")
    parser.add_argument("--shared", type=float, default=SHARED, metavar="P")
    parser.add_argument("--verdicts", type=int, default=100, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures = measure(given.documents, given.seeds, given.shared)
    taught = measure_lessons(given.documents, given.seeds, given.shared, given.verdicts)
    _show(figures)
    _show_lessons(taught, given.verdicts)
    write_json(given.json, {**figures, "lessons": taught})
    return 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(one) for one in text.split(","))


def measure(count: int, seeds: Sequence[int], shared: float = SHARED) -> dict[str, Any]:
    """The figures of each field over all seeds."""
    right: defaultdict[str, defaultdict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    cells: dict[str, defaultdict[str, list[list[Judged]]]] = {
        CONSENSUS: defaultdict(list),
        MAJORITY: defaultdict(list),
    }
    services: tuple[str, ...] = ()
    for seed in seeds:
        told = documents(count, seed)
        heard = asyncio.run(_heard(told, seed, shared))
        services = tuple(dict.fromkeys(name for votes in heard for name in votes))
        for name, of_field in _seed_cells(told, heard, right).items():
            for pattern, found in of_field.items():
                cells[name][pattern].append(found)
    fields = {}
    for pattern in _patterns():
        accuracy = {name: float(np.mean(found)) for name, found in right[pattern].items()}
        risks = {name: _risks(of_field[pattern]) for name, of_field in cells.items()}
        fields[pattern] = {"accuracy": accuracy, "risk": risks}
        fields[pattern]["outcome"] = _outcome(accuracy, services, cells[CONSENSUS][pattern])
    return {
        "documents": count,
        "seeds": list(seeds),
        "shared": shared,
        "services": services,
        "fields": fields,
    }


def measure_lessons(
    count: int, seeds: Sequence[int], shared: float, verdicts: int
) -> dict[str, dict[str, dict[str, float]]]:
    """Services -> before and after so many verdicts -> mean figures over the seeds."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for seed in seeds:
        told = documents(count, seed)
        heard = asyncio.run(_heard(told, seed, shared))
        for services in _TAUGHT:
            of_seed = lessons_figures(told, heard, services, verdicts, seed)
            found[", ".join(services)].append(of_seed)
    return {
        services: {
            when: {
                figure: float(np.mean([one[when][figure] for one in of_seeds]))
                for figure in _LESSON_FIGURES
            }
            for when in (BEFORE, AFTER)
        }
        for services, of_seeds in found.items()
    }


def _show_lessons(taught: Mapping[str, Mapping[str, Mapping[str, float]]], verdicts: int) -> None:
    header = (
        "services",
        *(f"{figure} {when}" for figure in _LESSON_FIGURES for when in (BEFORE, AFTER)),
    )
    rows = [
        (services, *(one[when][figure] for figure in _LESSON_FIGURES for when in (BEFORE, AFTER)))
        for services, one in taught.items()
    ]
    title = f"Second half of the documents, before and after {verdicts} verdicts on the first"
    print(table(title, header, rows))


def _patterns() -> list[str]:
    """The fields in order; an entry of a list counts as a value of its own."""
    return [f"{path}[]" if one.fields else path for path, one in patterns(TASK.fields)]


async def _heard(
    told: Sequence[GeneratedDocument], seed: int, shared: float
) -> list[dict[str, Reading]]:
    """What each service says of each document."""
    offline = load_embedded(OFFLINE, {"labels": _known_labels()})
    heard = []
    for about in told:
        family = detect_kind(about.path, about.text).family.value
        name = str(about.number)
        item = Item(name, name, about.path, about.text, {"family": family})
        votes = {name: reading(name, about, seed, shared) for name in SKILLS}
        heard.append({**votes, OFFLINE: await offline.ask(Question(TASK, item))})
    return heard


def _known_labels() -> dict[str, list[str]]:
    """What the author of a policy would name: one word a language for each field, where documents
    use up to three."""
    return {
        field: [one.labels[name][0] for one in LANGUAGES.values() for name in names]
        for field, names in _LABELS.items()
    }


def _seed_cells(
    told: Sequence[GeneratedDocument],
    heard: Sequence[Mapping[str, Reading]],
    right: Mapping[str, defaultdict[str, list[bool]]],
) -> dict[str, dict[str, list[Judged]]]:
    """The judged cells of consensus and majority by field; adds to ``right`` what of each
    system's values is right."""
    readings = {(str(n), TASK.name): tuple(votes.items()) for n, votes in enumerate(heard)}
    models = weigh_records(TASK, readings, Disagreement().learn_from_items).models
    found: dict[str, dict[str, list[Judged]]] = {
        name: defaultdict(list) for name in (CONSENSUS, MAJORITY)
    }
    nothing = RecordAnswer(())
    for about, votes in zip(told, heard, strict=True):
        records = {
            name: cast(RecordAnswer, vote.answer)
            for name, vote in votes.items()
            if vote.status is Status.OK
        }
        confidences = {name: votes[name].confidence for name in records}
        cells = cells_of(records, TASK.fields)
        settled = {
            CONSENSUS: settle(cells, confidences, models),
            MAJORITY: [majority(cell, confidences) for cell in cells],
        }
        stands = {
            name: built(standing_first(without_fallen(of_item)), TASK.fields)
            for name, of_item in settled.items()
        }
        for name, record in {**{one: records.get(one, nothing) for one in votes}, **stands}.items():
            for pattern, is_right in marks(record, about.truth, TASK.fields):
                right[pattern][name].append(is_right)
        for name, of_item in settled.items():
            for one in judged(of_item, about.truth, TASK.fields):
                found[name][one.pattern].append(one)
    return found


def _risks(seeds: Sequence[Sequence[Judged]]) -> dict[str, Any]:
    """Figures over the cells of all seeds, and the largest calibration error of one seed."""
    every = risk_figures([one for cells in seeds for one in cells], _THRESHOLDS)
    worst = max(risk_figures(cells, _THRESHOLDS).calibration_error for cells in seeds)
    return {**asdict(every), "worst_calibration_error": worst}


def _outcome(
    accuracy: Mapping[str, float], services: Sequence[str], seeds: Sequence[Sequence[Judged]]
) -> dict[str, Any]:
    """The best single service, by hindsight, and how the consensus stands to it: it beats it, or
    is right more often where it is sure enough to be accepted, and asks people about the rest."""
    best = max(services, key=lambda name: accuracy[name])
    sure = [one for cells in seeds for one in cells if 1.0 - one.risk > Review().accept_above]
    accepted = sum(one.right for one in sure) / max(len(sure), 1)
    if accuracy[CONSENSUS] >= accuracy[best]:
        verdict = "beats"
    else:
        verdict = "reviews" if accepted >= accuracy[best] else "loses"
    return {
        "best": best,
        "best_accuracy": accuracy[best],
        "accepted_share": len(sure) / max(sum(map(len, seeds)), 1),
        "accepted_accuracy": accepted,
        "verdict": verdict,
    }


def _show(figures: Mapping[str, Any]) -> None:
    services, fields = figures["services"], figures["fields"]
    names = [*services, MAJORITY, CONSENSUS]
    title = f"Right, of {figures['documents']:,} documents, seeds {figures['seeds']}"
    rows = [
        (
            pattern,
            *(one["accuracy"][name] for name in names),
            one["outcome"]["best"],
            one["outcome"]["verdict"],
        )
        for pattern, one in fields.items()
    ]
    print(table(title, ("field", *names, "best", "consensus"), rows))
    shares = [f"{what} < {t:g}" for t in _THRESHOLDS for what in ("share", "wrong")]
    for name in (CONSENSUS, MAJORITY):
        rows = [
            (
                pattern,
                (risk := one["risk"][name])["cells"],
                risk["error"],
                risk["stated"],
                risk["calibration_error"],
                risk["worst_calibration_error"],
                *(value for t in _THRESHOLDS for value in risk["at_risk"][t]),
            )
            for pattern, one in fields.items()
        ]
        header = ("field", "values", "wrong", "stated", "ECE", "worst seed", *shares)
        print(table(f"Risk by {name}; bar: ECE {LIMIT_ECE}", header, rows))
    lost = [pattern for pattern, one in fields.items() if one["outcome"]["verdict"] == "loses"]
    off = [
        pattern
        for pattern, one in fields.items()
        if one["risk"][CONSENSUS]["calibration_error"] > LIMIT_ECE
    ]
    print(f"below the best service: {', '.join(lost) or 'no field'}")
    print(f"ECE above {LIMIT_ECE}: {', '.join(off) or 'no field'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
