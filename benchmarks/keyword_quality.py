"""How many key words of the packaged policy a reader would accept, on documents of mixed kinds.

``python -m benchmarks keyword_quality FOLDER... [--json FILE]``: finds the documents of
``keyword_labels.jsonl`` below the folders by the hashes of their bytes, asks for their key words as
the packaged policy plans it, and prints the share that is acceptable and the share that is phrases.

A term is acceptable when somebody who looks for the document would type it: a thing, a task or a
name that the document is about, in one to three words. Not acceptable are words of licences,
badges and navigation, residue of markup, names of variables and fragments of code, words that say
nothing alone (*want*, *easily*), and phrases that are cut out of a sentence. The terms of a
document were listed by one reader from the document and from what several versions of the services
said about it, without telling these apart; the list is not complete, so the share is too low rather
than too high.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

from benchmarks._output import table, write_json
from benchmarks._packaged_plan import PackagedPlans
from benchmarks.title_quality import HALVES, LabelledDocument, documents_below
from orchestration_assets.text.encodings.detection import Encoding, decode_text, detect_encoding
from orchestration_assets.text.words import singular_words

LABELS: Final = Path(__file__).with_name("keyword_labels.jsonl")


def read_terms(path: Path) -> list[LabelledDocument]:
    """The labelled documents in the file; their ``titles`` are the acceptable terms."""
    return [
        LabelledDocument(
            "", row["half"], row["address"], row["sha256"], tuple(row["terms"]), (), False
        )
        for row in map(json.loads, path.read_text("utf-8").splitlines())
    ]


def acceptable_share(terms: Sequence[str], accepted: Sequence[str]) -> float:
    """The share of the terms that are among the accepted ones, in the singular or plural."""
    known = {*accepted, *(f"{one}s" for one in accepted), *singular_words(accepted)}
    return sum(term in known for term in terms) / len(terms)


def main(argv: list[str]) -> int:
    """Runs the benchmark with command-line arguments; 0, or 2 when no document is found."""
    parser = argparse.ArgumentParser(prog="keyword_quality", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(argv)
    labelled = read_terms(LABELS)
    plans = PackagedPlans()
    shares: dict[str, list[tuple[float, float]]] = {half: [] for half in HALVES}
    for document, data in documents_below(
        options.folders, {document.sha256: document for document in labelled}
    ):
        encoding = detect_encoding(data)
        if not isinstance(encoding, Encoding):
            continue
        answered = plans.answer("keywords", document.address, decode_text(data, encoding.name))
        if answered is None:
            continue
        answer = answered.standing.answer if answered.standing else None
        terms = [str(term) for term in answer] if isinstance(answer, tuple) else []
        right = acceptable_share(terms, document.titles) if terms else 0.0
        phrases = sum(" " in term for term in terms) / len(terms) if terms else 0.0
        shares[document.half].append((right, phrases))
    rows = [
        [half, len(found), fmean(right for right, _ in found), fmean(more for _, more in found)]
        for half, found in shares.items()
        if found
    ]
    if not rows:
        print("none of the labelled documents is below the folders", file=sys.stderr)
        return 2
    header = ["half", "documents", "acceptable", "phrases"]
    print(table("key words that a reader accepts", header, rows))
    write_json(
        options.json, {str(row[0]): dict(zip(header[1:], row[1:], strict=True)) for row in rows}
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
