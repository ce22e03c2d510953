"""How many titles of the packaged policy a reader would accept, on documents of mixed kinds.

``python -m benchmarks title_quality FOLDER... [--labels FILE] [--show] [--json FILE]``: finds the
labelled documents below the folders by the hashes of their bytes, asks for their titles as the
packaged policy plans it, and prints the share that is acceptable, by half and by kind. The labels
are beside this module, with the guidelines that they follow; ``--show`` lists what is not
acceptable in the development half. Left out are documents that are not found, and those that the
policy asks no title for.
"""

import argparse
import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from benchmarks._output import table, write_json
from benchmarks._packaged_plan import PackagedPlans
from orchestration_assets.text.encodings.detection import (
    Encoding,
    decode_text,
    detect_encoding,
)

LABELS: Final = Path(__file__).with_name("title_labels.jsonl")
HALVES: Final = ("development", "held-out")
_SEPARATORS: Final = (": ", " - ", " | ")
_MIN_CUT: Final = 40
_MAX_BYTES: Final = 8_000_000
_VARIANTS: Final = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--", "`*")


@dataclass(frozen=True, slots=True)
class LabelledDocument:
    """Which titles a document may be given; ``no_title`` says whether it may have none."""

    kind: str
    half: str
    address: str
    sha256: str
    titles: tuple[str, ...]
    additions: tuple[str, ...]
    no_title: bool


def read_labels(path: Path) -> list[LabelledDocument]:
    """The labelled documents in the file, in its order."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        LabelledDocument(
            **{**row, "titles": tuple(row["titles"]), "additions": tuple(row["additions"])}
        )
        for row in rows
    ]


def is_acceptable(title: str | None, document: LabelledDocument) -> bool:
    """Whether a reader would accept the title, by the document's label."""
    if title is None:
        return document.no_title
    given = _comparable(title)
    titles = [_comparable(one) for one in document.titles]
    additions = [*titles, *(_comparable(one) for one in document.additions)]
    allowed = [
        *titles,
        *(f"{one}{mark}{more}" for one in titles for mark in _SEPARATORS for more in additions),
    ]
    if title.endswith("\u2026"):
        begun = _comparable(title.removesuffix("\u2026"))
        return len(begun) >= _MIN_CUT and any(one.startswith(begun) for one in allowed)
    return given in allowed


def _comparable(title: str) -> str:
    return re.sub(r"\s+", " ", title.translate(_VARIANTS)).strip(" .:\u3002").casefold()


def documents_below(
    folders: Sequence[Path], wanted: Mapping[str, LabelledDocument]
) -> Iterator[tuple[LabelledDocument, bytes]]:
    """Every wanted document that is below the folders, once; packed files are unpacked."""
    left = dict(wanted)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.stat().st_size > _MAX_BYTES:
                continue
            data = path.read_bytes()
            if path.suffix == ".gz":
                try:
                    data = gzip.decompress(data)
                except (OSError, EOFError):
                    continue
            if (found := left.pop(sha256(data).hexdigest(), None)) is not None:
                yield found, data


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="title_quality", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--labels", type=Path, default=LABELS)
    parser.add_argument("--show", action="store_true", help="what is not acceptable, and why")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser


def main(argv: list[str]) -> int:
    """Runs the benchmark with command-line arguments; 0, or 2 when no document is found."""
    options = _parser().parse_args(argv)
    labelled = read_labels(options.labels)
    plans = PackagedPlans()
    judged: list[tuple[LabelledDocument, str | None, bool]] = []
    for document, data in documents_below(
        options.folders, {document.sha256: document for document in labelled}
    ):
        encoding = detect_encoding(data)
        if not isinstance(encoding, Encoding):
            continue
        text = decode_text(data, encoding.name)
        answered = plans.answer("title", document.address, text)
        if answered is None:
            continue
        reading = answered.standing
        title = None if reading is None else str(reading.answer)
        judged.append((document, title, is_acceptable(title, document)))
    if not judged:
        print("none of the labelled documents is below the folders", file=sys.stderr)
        return 2
    figures = _figures(judged)
    print(f"{len(judged)} of {len(labelled)} labelled documents found and asked about\n")
    rows = [[half, kind, *row] for (half, kind), row in figures.items()]
    print(table("titles that a reader accepts", ["half", "kind", "documents", "accepted"], rows))
    if options.show:
        for document, title, accepted in judged:
            if document.half == HALVES[0] and not accepted:
                print(f"{document.address}: {title!r}, not {document.titles[:1]}")
    by_half: dict[str, Any] = {
        half: {"documents": figures[half, "all"][0], "accepted": figures[half, "all"][1]}
        for half in HALVES
        if (half, "all") in figures
    }
    write_json(options.json, by_half)
    return 0


def _figures(
    judged: Sequence[tuple[LabelledDocument, str | None, bool]],
) -> dict[tuple[str, str], tuple[int, float]]:
    figures = {}
    for half in HALVES:
        kinds = dict.fromkeys(one.kind for one, _, _ in judged if one.half == half)
        for kind in [*kinds, *(["all"] if kinds else [])]:
            accepted = [
                right for one, _, right in judged if one.half == half and kind in (one.kind, "all")
            ]
            figures[half, kind] = (len(accepted), sum(accepted) / len(accepted))
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
