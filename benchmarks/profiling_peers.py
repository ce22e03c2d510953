"""Features a second beside lizard, datatrove and Data-Juicer, on the same files in one run.

``python -m benchmarks profiling_peers [FOLDER] [--peers DIR] [--limit N] [--json FILE]``: the
peers get an environment each, made with pip below DIR (default: a temporary folder), and are timed
there, in one process and by its processor time. What cannot be installed is reported as such.

- Structure and complexity of whole Python files of FOLDER (default: the standard library): ours
  with every line parsed, and as the profiler does it, against lizard.
- Text features of 7,500 characters of each file: ours (words, sentences, diversity, readability,
  tone, language, repetition, lines, outline, credentials, personal data) against datatrove's
  Gopher quality, Gopher repetition and FineWeb filters and against eight text filters of
  Data-Juicer.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import _peer_filters
from benchmarks._corpora import CorpusText, standard_library, texts_of
from benchmarks._output import table, write_json
from orchestration_assets.profiling.characters import Characters
from orchestration_assets.profiling.code import CodePiece, code_chars, code_features, part_to_parse
from orchestration_assets.profiling.lines import line_features
from orchestration_assets.profiling.markup import outline
from orchestration_assets.profiling.profiler import load_everything
from orchestration_assets.profiling.sensitive import (
    SECRET_CHARS_LEAST,
    personal_data_count,
    secret_count,
)
from orchestration_assets.profiling.text import (
    line_count,
    prose_features,
    url_count,
)
from orchestration_assets.schemas.enums import Family

_TEXT_CHARS: Final = 7_500
_LIMITS: Final = {"lizard": 1.5, "datatrove": 3.0, "data_juicer": 1.0}
# What each needs beside itself for the filters named above.
_PACKAGES: Final = {
    "lizard": ("lizard",),
    "datatrove": ("datatrove[processing]", "spacy"),
    "data_juicer": ("py-data-juicer", "aiohttp"),
}


def main(arguments: Sequence[str]) -> int:
    """``[FOLDER] [--peers DIR] [--limit N] [--json FILE]``; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks profiling_peers")
    parser.add_argument("folder", nargs="?", type=Path, default=standard_library())
    parser.add_argument("--peers", type=Path, help="keeps the peers' environments here")
    parser.add_argument("--limit", type=int, default=300, help="files of each kind")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    whole = texts_of(given.folder, ".py", given.limit)
    if not whole:
        print(f"{given.folder}: no Python files", file=sys.stderr)
        return 2
    longer = [text for text in texts_of(given.folder) if len(text.text) >= _TEXT_CHARS]
    texts = [text._replace(text=text.text[:_TEXT_CHARS]) for text in longer[: given.limit]]
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(whole, texts, given.peers or Path(folder), Path(folder))
    print(_show(figures, given.folder))
    write_json(given.json, figures)
    return 0 if all(row["ratio"] >= row["limit"] for row in figures["ratios"]) else 1


def measure(
    whole: Sequence[CorpusText], texts: Sequence[CorpusText], peers: Path, scratch: Path
) -> dict[str, Any]:
    """Files a second of ours and of each peer, and the ratios that have a limit."""
    load_everything()
    ours = {
        "code, every line": _rate(_code_whole, whole),
        "code, as profiled": _rate(_code_as_profiled, whole),
        "text features": _rate(_text_features, texts),
    }
    rates: dict[str, float] = {}
    failures: dict[str, str] = {}
    for peer in _LIMITS:
        try:
            python = _environment(peer, peers)
            rates[peer] = _peer_rate(peer, python, whole if peer == "lizard" else texts, scratch)
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or "").strip().splitlines()
            failures[peer] = said[-1] if said else str(error)
    ratios = [
        {"ours": name, "peer": peer, "ratio": ours[name] / rates[peer], "limit": _LIMITS[peer]}
        for name, peer in (
            ("code, every line", "lizard"),
            ("code, as profiled", "lizard"),
            ("text features", "datatrove"),
            ("text features", "data_juicer"),
        )
        if peer in rates
    ]
    return {"ours": ours, "peers": rates, "failures": failures, "ratios": ratios}


def _rate(work: Callable[[CorpusText], object], texts: Sequence[CorpusText]) -> float:
    for text in texts[:20]:
        work(text)
    began = time.process_time()
    for text in texts:
        work(text)
    return len(texts) / (time.process_time() - began)


def _code_whole(item: CorpusText) -> object:
    return code_features([CodePiece(item.text, "python")])


def _code_as_profiled(item: CorpusText) -> object:
    return code_features(
        [CodePiece(part_to_parse(item.text, "python", code_chars("python")), "python")]
    )


def _text_features(item: CorpusText) -> object:
    text = item.text
    found = Characters.from_text(text)
    words = found.word_count()
    return (
        line_count(text),
        found.token_count(),
        found.shares(),
        line_features(text),
        found.densities(words, url_count(text)),
        outline(text, Family.PROSE, ""),
        prose_features(text),
        secret_count(text, found.long_tokens(SECRET_CHARS_LEAST)),
        personal_data_count(text, found.long_numbers()),
    )


def _environment(peer: str, folder: Path) -> Path:
    """The Python of the peer's environment, which is made when it is not there."""
    home = folder / peer
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        _run([sys.executable, "-m", "venv", str(home)])
        _run([str(python), "-m", "pip", "install", "--quiet", *_PACKAGES[peer]])
    return python


def _peer_rate(peer: str, python: Path, texts: Sequence[CorpusText], scratch: Path) -> float:
    given = scratch / "texts.json"
    given.write_text(json.dumps([[text.path, text.text] for text in texts]), "utf-8")
    done = _run([str(python), str(Path(_peer_filters.__file__)), peer, str(given)])
    figures = json.loads(done.strip().splitlines()[-1])
    return float(figures["texts"] / figures["seconds"])


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _show(figures: dict[str, Any], folder: Path) -> str:
    rows = [*figures["ours"].items(), *figures["peers"].items()]
    parts = [table(f"Files a second on one core: {folder}", ("what", "files/s"), rows)]
    if figures["ratios"]:
        ratios = [tuple(row.values()) for row in figures["ratios"]]
        parts.append(table("Ours over the peer's", ("ours", "peer", "ratio", "at least"), ratios))
    parts += [f"{peer} could not be measured: {why}" for peer, why in figures["failures"].items()]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
