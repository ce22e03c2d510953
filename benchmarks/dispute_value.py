"""Whether the disputes of reports are worth reading, as independent readers judge them.

``python -m benchmarks dispute_value FOLDER... [--policy FILE] [--per-folder N] [--sample N]
[--sheet FILE] [--labels FILE] [--json FILE]``: runs each folder in a home of its own; prints how
many questions are disputed for 1,000 items, and how many differences have no consequence. Draws
disputed questions at random over all folders, and takes the first ten of each report.
``--sheet`` writes both for readers, in an order that tells nothing, without severity. With their
labels it prints the shares that are informative or arguable, and how far readers agree. The
labels are beside this module, with the guidelines that they follow.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from benchmarks._dispute_labels import (
    DisputeKey,
    DisputeLabelError,
    Labels,
    agreements,
    key_of,
    labelled_shares,
    read_labels,
)
from benchmarks._disputed_folders import BatchDisputes, FolderRunError, run_folder
from benchmarks._output import table, write_json
from orchestration_assets.schemas.tables import DisagreementRow

LABELS: Final = Path(__file__).with_name("dispute_labels.jsonl")
RANDOM: Final = "random sample"
FIRST: Final = "first ten of each report"
_LIMITS: Final = {RANDOM: (0.6, 0.85), FIRST: (0.8, None)}
_ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class DrawnDispute:
    """A dispute and the batch that it comes from."""

    batch: BatchDisputes
    row: DisagreementRow

    @property
    def key(self) -> DisputeKey:
        return key_of(self.row)


def random_sample(
    disputes: Iterable[tuple[BatchDisputes, DisagreementRow]], size: int
) -> list[DrawnDispute]:
    """At most ``size`` disputed questions, each by one of its pairs of answers.

    By permanent random numbers (Ohlsson 1995): the hashes of content and task, of which the lowest
    are drawn. So they depend neither on severity nor on the order or number of folders, and when
    some disputes come or go the others stay in the sample. A content that lies at several places
    counts once.
    """
    questions: defaultdict[tuple[str, str], list[DrawnDispute]] = defaultdict(list)
    for batch, row in disputes:
        questions[row.content_hash, row.task].append(DrawnDispute(batch, row))
    drawn = sorted(questions, key=lambda one: _random_number(*one))[:size]
    return [
        min(questions[one], key=lambda drawn: (drawn.key.id, drawn.row.path, drawn.batch.folder))
        for one in drawn
    ]


def _random_number(content_hash: str, task: str) -> str:
    return sha256(f"{content_hash}\0{task}".encode()).hexdigest()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks dispute_value", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="else the packaged one")
    parser.add_argument("--per-folder", type=_positive, metavar="N", help="files at most")
    parser.add_argument("--sample", type=_positive, default=60, metavar="N", help="60 questions")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="what is to be labelled")
    parser.add_argument("--labels", type=Path, default=LABELS, metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("1 at least")
    return number


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark; 0, or 2 when a folder cannot be run or the labels cannot be read."""
    given = _parser().parse_args(arguments)
    try:
        labels = read_labels(given.labels)
        with tempfile.TemporaryDirectory() as temporary:
            batches = [
                batch
                for number, folder in enumerate(given.folders)
                for batch in run_folder(
                    folder, Path(temporary) / str(number), given.policy, given.per_folder
                )
            ]
            judged = judge(batches, given.sample, labels, given.sheet)
    except (DisputeLabelError, FolderRunError) as error:
        print(error, file=sys.stderr)
        return 2
    print(judged.text)
    write_json(given.json, judged.figures)
    return 0


@dataclass(frozen=True, slots=True)
class JudgedDisputes:
    """What the benchmark says: in words, and as figures ``counts``, ``labels``, ``agreement``."""

    text: str
    figures: Mapping[str, Any]


def judge(
    batches: Sequence[BatchDisputes], size: int, labels: Labels, sheet: Path | None
) -> JudgedDisputes:
    """Draws ``size`` questions at random and the first of each batch, and judges both by the
    labels; writes them to ``sheet``, where one is given."""
    sample = random_sample(((batch, row) for batch in batches for row in batch.disputes), size)
    first = [DrawnDispute(batch, row) for batch in batches for row in batch.first()]
    if sheet is not None:
        write_sheet(sheet, [*sample, *first])
    drawn = {RANDOM: _keys(sample), FIRST: _keys(first)}
    for folder in dict.fromkeys(batch.folder for batch in batches):
        own = _keys(one for one in first if one.batch.folder == folder)
        drawn[f"first ten: {folder}"] = own
    shares = [
        {"drawn_as": name, **one.figures()}
        for name, keys in drawn.items()
        for one in labelled_shares(keys, labels)
    ]
    everything = _keys([*sample, *first])
    readers = [asdict(one) for one in agreements(everything, labels)]
    counts = count_rows(batches)
    text = f"{_shown_counts(counts)}\n{_shown_labels(drawn, everything, labels, shares, readers)}"
    return JudgedDisputes(text, {"counts": counts, "labels": shares, "agreement": readers})


def _keys(drawn: Iterable[DrawnDispute]) -> list[DisputeKey]:
    return list(dict.fromkeys(one.key for one in drawn))


def write_sheet(path: Path, drawn: Sequence[DrawnDispute]) -> None:
    """Writes each drawn dispute once as a line of JSON, in the order of their ids: hashes, which
    tell neither the severity of a dispute nor why it was drawn."""
    of_batch: defaultdict[tuple[Path, str], dict[DisputeKey, DrawnDispute]] = defaultdict(dict)
    taken: set[DisputeKey] = set()
    for one in drawn:
        if one.key not in taken:
            taken.add(one.key)
            of_batch[one.batch.home.folder, one.batch.batch][one.key] = one
    rows = [
        row
        for own in of_batch.values()
        for row in next(iter(own.values())).batch.sheet([one.row for one in own.values()])
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in sorted(rows, key=lambda row: row["id"])]
    text = "".join(f"{line}\n" for line in lines)
    path.write_text(text, "utf-8", errors="backslashreplace")


def count_rows(batches: Sequence[BatchDisputes]) -> list[dict[str, Any]]:
    """Questions for 1,000 items, by folder and task: disputed, and differing without consequence.

    A row ``all`` for each folder, and for all folders together.
    """
    items: Counter[str] = Counter()
    disputed: defaultdict[str, Counter[str]] = defaultdict(Counter)
    dropped: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for batch in batches:
        for folder in (batch.folder, _ALL):
            items[folder] += batch.items
            disputed[folder].update(batch.questions())
            dropped[folder].update(batch.dropped())
    folders = [*dict.fromkeys(batch.folder for batch in batches), _ALL]
    return [
        {
            "folder": folder,
            "task": task,
            "items": items[folder],
            "disputed": _of_task(disputed[folder], task),
            "disputed_per_1000": _per_1000(_of_task(disputed[folder], task), items[folder]),
            "without_consequence": _of_task(dropped[folder], task),
            "without_consequence_per_1000": _per_1000(
                _of_task(dropped[folder], task), items[folder]
            ),
        }
        for folder in folders
        for task in [*sorted({*disputed[folder], *dropped[folder]}), _ALL]
    ]


def _of_task(counts: Counter[str], task: str) -> int:
    return counts.total() if task == _ALL else counts[task]


def _per_1000(count: int, items: int) -> float:
    return round(1000 * count / items, 1) if items else 0.0


def _shown_counts(counts: Sequence[Mapping[str, Any]]) -> str:
    header = ("folder", "task", "items", "disputed", "per 1,000", "no consequence", "per 1,000")
    return table("Questions on which services differ", header, [list(c.values()) for c in counts])


def _shown_labels(
    drawn: Mapping[str, Sequence[DisputeKey]],
    everything: Sequence[DisputeKey],
    labels: Labels,
    shares: Sequence[Mapping[str, Any]],
    readers: Sequence[Mapping[str, Any]],
) -> str:
    known = sum(any(key in own for own in labels.values()) for key in everything)
    lines = [
        f"drawn: {len(drawn[RANDOM])} at random, {len(drawn[FIRST])} as the first of their report",
        f"of {len(everything)} different ones {len(everything) - known} have no label, "
        "and count in no share",
        "",
    ]
    rows = [
        [
            one["drawn_as"],
            one["reader"],
            one["drawn"] - one["without_label"],
            one["without_label"],
            _interval(one["informative"], informative_limit),
            _interval(one["informative_or_arguable"], arguable_limit),
        ]
        for one in shares
        for informative_limit, arguable_limit in [_LIMITS.get(one["drawn_as"], (None, None))]
    ]
    if known:
        header = ("drawn as", "reader", "labelled", "no label", "informative", "or arguable")
        lines.append(table("Shares, with 95 % intervals", header, rows))
    lines += [
        f"{one['reader_a']} and {one['reader_b']} agree on {one['same']} of {one['both']}, "
        f"Cohen's kappa {'undefined' if one['kappa'] is None else format(one['kappa'], '.2f')}"
        for one in readers
    ]
    return "\n".join(lines)


def _interval(share: Mapping[str, float] | None, limit: float | None) -> str:
    if share is None:
        return ""
    least = "" if limit is None else f", limit {limit:.2f}"
    return f"{share['share']:.2f} ({share['low']:.2f} to {share['high']:.2f}){least}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
