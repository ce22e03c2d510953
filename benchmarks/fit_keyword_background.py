"""Measures how common words are in general, for the keyword and title services.

``python -m benchmarks fit_keyword_background FOLDER... --out FILE [--json FILE]``: each folder is
one kind of document (manual pages of one language, the sources of one library). A word's frequency
is its share of the documents of the kind where it is commonest. The words listed are the most
frequent ones that fit into the size limit. The same folders give the same bytes.
"""

import argparse
import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks._output import table, write_json
from orchestration_assets.schemas.enums import Family
from orchestration_assets.text.document_frequencies import OUT_OF
from orchestration_assets.text.words import is_term, words_of

MAX_BYTES: Final = 150_000
_MAX_DOCUMENTS: Final = 2_500
_READ_CHARS: Final = 16_384
_MIN_DOCUMENTS: Final = 20
_FAMILIES: Final = {
    **dict.fromkeys(("md", "rst", "html", "htm"), Family.MARKUP),
    **dict.fromkeys(("py", "c", "h", "js", "ts", "go", "rs", "java", "rb", "sh"), Family.CODE),
    **dict.fromkeys(("txt", ""), Family.PROSE),
}
# Manual pages are marked up by roff: a line that begins with a dot is a request.
_MANUAL: Final = "roff"


def documents(folder: Path) -> Iterator[tuple[str, str]]:
    """Text and family of the readable documents below ``folder``, at most 2,500 evenly taken."""
    found = sorted(path for path in folder.rglob("*") if _family(path) and path.is_file())
    step = -(-len(found) // _MAX_DOCUMENTS) or 1
    for path in found[::step]:
        family = _family(path) or ""
        try:
            if path.suffix == ".gz":
                with gzip.open(path, "rt", encoding="utf-8") as packed:
                    text = packed.read(_READ_CHARS)
            else:
                with path.open(encoding="utf-8") as plain:
                    text = plain.read(_READ_CHARS)
        except (OSError, EOFError, UnicodeDecodeError):
            continue
        if family == _MANUAL:
            text = "\n".join(_plain_roff(line) for line in text.split("\n"))
            family = Family.PROSE
        yield text, family


def _family(path: Path) -> str | None:
    name = path.name.removesuffix(".gz")
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending[:1].isdigit() and path.parent.name.startswith("man"):
        return _MANUAL
    return _FAMILIES.get(ending)


def _plain_roff(line: str) -> str:
    """A roff line's words: requests lose their name, escapes such as \\fB their letter."""
    if line.startswith((".\\", "'\\")):
        return ""
    if line.startswith((".", "'")):
        line = line.partition(" ")[2]
    for escape in ("\\fB", "\\fI", "\\fR", "\\fP", "\\&", "\\-"):
        line = line.replace(escape, "-" if escape == "\\-" else "")
    return line


def frequencies(folders: Sequence[Path]) -> tuple[dict[str, int], list[tuple[str, int, int]]]:
    """Word -> documents of 10,000 in its commonest kind; and (kind, documents, words) for each."""
    highest: dict[str, int] = defaultdict(int)
    kinds: list[tuple[str, int, int]] = []
    for folder in folders:
        counts: Counter[str] = Counter()
        read = 0
        for text, family in documents(folder):
            read += 1
            counts.update({word for word in words_of(text, family) if is_term(word)})
        kinds.append((folder.name, read, len(counts)))
        if read < _MIN_DOCUMENTS:
            continue
        for word, count in counts.items():
            # A word of a single document says something about that document only.
            if count > 1:
                highest[word] = max(highest[word], round(count / read * OUT_OF))
    return dict(highest), kinds


def compact(highest: dict[str, int], limit: int = MAX_BYTES) -> str:
    """JSON of frequency -> words, most frequent first, as many as fit into ``limit`` bytes."""
    grouped: dict[int, list[str]] = defaultdict(list)
    size = len('{"out_of": , "words": {}}\n') + len(str(OUT_OF))
    for word in sorted(highest, key=lambda word: (-highest[word], word)):
        # Two digits are what a frequency is worth, and let words share an entry.
        digits = max(len(str(highest[word])) - 2, 0)
        frequency = max(round(highest[word], -digits), 1)
        size += len(word.encode()) + 1 + (0 if frequency in grouped else len(f'"{frequency}": "",'))
        if size > limit:
            break
        grouped[frequency].append(word)
    words = {str(frequency): " ".join(listed) for frequency, listed in grouped.items()}
    return json.dumps({"out_of": OUT_OF, "words": words}, ensure_ascii=False) + "\n"


def main(argv: list[str]) -> int:
    """Runs the fit with command-line arguments; 0, or 2 when there is nothing to read."""
    parser = argparse.ArgumentParser(prog="fit_keyword_background", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="one folder a kind of document")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--json", type=Path, help="also write the counts to this file")
    options = parser.parse_args(argv)
    if missing := [str(folder) for folder in options.folders if not folder.is_dir()]:
        print(f"not a folder: {', '.join(missing)}", file=sys.stderr)
        return 2
    highest, kinds = frequencies(options.folders)
    if not highest:
        print(f"fewer than {_MIN_DOCUMENTS} documents in every folder", file=sys.stderr)
        return 2
    text = compact(highest)
    options.out.write_text(text, "utf-8")
    listed = sum(len(words.split()) for words in json.loads(text)["words"].values())
    print(table("documents read", ["kind", "documents", "words"], kinds))
    print(f"{listed:,} of {len(highest):,} words in {len(text.encode()):,} bytes")
    write_json(options.json, {"words": listed, "kinds": [list(kind) for kind in kinds]})
    return 0
