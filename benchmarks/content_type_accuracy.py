"""How often content type services are right about source files whose names are withheld.

``python -m benchmarks content_type_accuracy FOLDER... [--json FILE]``: takes the files below the
folders whose extension means one thing, shows the services their content only, and compares
their answers with the extension: the service ``grammar`` alone, how much of the files it covers
at thresholds of its confidence, the service ``magika`` alone, and the cascade that asks magika
only where grammar is less sure than the threshold.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.services.content_type.content_types import CONTENT_TYPES
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.registry import load_embedded

EXTENSIONS: Final[Mapping[str, str]] = {
    "py": "python",
    "js": "javascript",
    "mjs": "javascript",
    "cjs": "javascript",
    "tsx": "typescript",
    "mts": "typescript",
    "cts": "typescript",
    "ts": "typescript",
    "go": "go",
    "rs": "rust",
    "java": "java",
    "c": "c",
    "cc": "cpp",
    "cpp": "cpp",
    "cxx": "cpp",
    "hpp": "cpp",
    "rb": "ruby",
    "sh": "shell",
    "bash": "shell",
}
"""The ten languages, by extensions that mean one thing."""

THRESHOLDS: Final = (0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
TASK: Final = Task("content_type", "1", AnswerKind.LABEL, CONTENT_TYPES)
_READ_BYTES: Final = 262_144
_MIN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A file's text, what its extension says, and the folder that it came from."""

    package: str
    path: Path
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class FileAnswers:
    """The label of a file, and what the two services said about it."""

    label: str
    grammar: Reading
    magika: Reading


def labelled_files(
    folders: Sequence[Path],
    *,
    labels: Mapping[str, str] = EXTENSIONS,
    names: Mapping[str, str] | None = None,
    per_package: int = 100,
) -> Iterator[LabelledFile]:
    """The text files below ``folders`` whose name has a label, each content once.

    The sub-folders of a folder are its packages, and the files beside them one more; of each
    package and label at most ``per_package`` files are taken, always the same ones.
    """
    seen: set[bytes] = set()
    for folder in folders:
        entries = sorted(folder.iterdir())
        packages = [(entry, sorted(entry.rglob("*"))) for entry in entries if entry.is_dir()]
        for package, found in [(folder, entries), *packages]:
            by_label: dict[str, list[Path]] = defaultdict(list)
            for path in found:
                label = (names or {}).get(path.name.lower())
                label = label or (labels.get(path.suffix[1:].lower()) if path.stem else None)
                if label and path.is_file() and not path.is_symlink():
                    by_label[label].append(path)
            for label, paths in sorted(by_label.items()):
                random.Random(1).shuffle(paths)
                taken = 0
                for path in paths:
                    text = _text_of(path, seen)
                    if text is not None and not _is_translation(label, text):
                        taken += 1
                        yield LabelledFile(package.name, path, label, text)
                    if taken == per_package:
                        break


def _text_of(path: Path, seen: set[bytes]) -> str | None:
    with path.open("rb") as file:
        data = file.read(_READ_BYTES)
    digest = blake2b(data, digest_size=16).digest()
    if len(data) < _MIN_BYTES or b"\0" in data or digest in seen:
        return None
    try:
        text = data.decode("utf-8", "strict" if len(data) < _READ_BYTES else "ignore")
    except UnicodeDecodeError:
        return None
    seen.add(digest)
    return text


def _is_translation(label: str, text: str) -> bool:
    """Whether a .ts file is one of Qt's translations."""
    return label == "typescript" and text.lstrip().startswith("<?xml")


def question_about(text: str) -> Question:
    """The question about a text without a name."""
    return Question(TASK, Item("withheld", "withheld", "withheld", text))


def _is_right(reading: Reading, label: str) -> bool:
    return reading.answer == label


def _sure(reading: Reading, threshold: float) -> bool:
    return reading.answer is not None and (reading.confidence or 0.0) >= threshold


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def cascade_figures(answers: Sequence[FileAnswers], threshold: float) -> dict[str, float]:
    """What happens when grammar's answer stands from ``threshold`` on and magika's below."""
    sure = [answer for answer in answers if _sure(answer.grammar, threshold)]
    rest = [answer for answer in answers if not _sure(answer.grammar, threshold)]
    right = [_is_right(answer.grammar, answer.label) for answer in sure]
    right_above = _share(right)
    # Where magika has no answer, grammar's unsure one is better than none.
    right += [
        _is_right(answer.magika if answer.magika.answer else answer.grammar, answer.label)
        for answer in rest
    ]
    return {
        "threshold": threshold,
        "coverage": len(sure) / len(answers),
        "accuracy_above": right_above,
        "cascade_accuracy": _share(right),
        "magika_calls": len(rest) / len(answers),
    }


def figures_of(answers: Sequence[FileAnswers]) -> dict[str, object]:
    """All figures of the benchmark for the files that were asked about."""
    confusions = Counter(
        f"{answer.label} read as {answer.grammar.answer}"
        for answer in answers
        if answer.grammar.answer and not _is_right(answer.grammar, answer.label)
    )
    labels = sorted({answer.label for answer in answers})
    return {
        "files": len(answers),
        "grammar_accuracy": _share([_is_right(a.grammar, a.label) for a in answers]),
        "magika_accuracy": _share([_is_right(a.magika, a.label) for a in answers]),
        "cascades": [cascade_figures(answers, threshold) for threshold in THRESHOLDS],
        "by_label": {
            label: {
                "files": sum(a.label == label for a in answers),
                "grammar": _share(
                    [_is_right(a.grammar, label) for a in answers if a.label == label]
                ),
                "magika": _share([_is_right(a.magika, label) for a in answers if a.label == label]),
            }
            for label in labels
        },
        "grammar_confusions": dict(confusions.most_common(12)),
    }


def _timed(service: EmbeddedService, questions: Sequence[Question]) -> tuple[list[Reading], float]:
    service.answer(questions[0])
    start = time.perf_counter()
    readings = [service.answer(question) for question in questions]
    return readings, (time.perf_counter() - start) / len(questions) * 1000


def _table(figures: Mapping[str, object]) -> str:
    lines = [
        f"{figures['files']} files without names; alone: "
        f"grammar {figures['grammar_accuracy']:.2%} at {figures['grammar_ms']:.2f} ms, "
        f"magika {figures['magika_accuracy']:.2%} at {figures['magika_ms']:.2f} ms",
        "threshold  coverage  right above  cascade right  magika asked",
    ]
    cascades = figures["cascades"]
    assert isinstance(cascades, list)
    lines += [
        f"{row['threshold']:9.2f} {row['coverage']:9.1%} {row['accuracy_above']:12.2%} "
        f"{row['cascade_accuracy']:14.2%} {row['magika_calls']:13.1%}"
        for row in cascades
    ]
    by_label = figures["by_label"]
    assert isinstance(by_label, dict)
    lines.append("language      files  grammar   magika")
    lines += [
        f"{label:12} {row['files']:6} {row['grammar']:8.2%} {row['magika']:8.2%}"
        for label, row in by_label.items()
    ]
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """Runs the benchmark with command-line arguments; 0, or 2 when there is nothing to read."""
    parser = argparse.ArgumentParser(prog="content_type_accuracy", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="folders of packages of sources")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--per-package", type=int, default=100, help="files a package and language")
    options = parser.parse_args(argv)
    if missing := [str(folder) for folder in options.folders if not folder.is_dir()]:
        print(f"not a folder: {', '.join(missing)}", file=sys.stderr)
        return 2
    files = list(labelled_files(options.folders, per_package=options.per_package))
    if not files:
        print("no source files with unambiguous extensions below the folders", file=sys.stderr)
        return 2
    questions = [question_about(file.text) for file in files]
    grammar, grammar_ms = _timed(load_embedded("grammar"), questions)
    magika, magika_ms = _timed(load_embedded("magika"), questions)
    answers = [
        FileAnswers(file.label, *readings)
        for file, *readings in zip(files, grammar, magika, strict=True)
    ]
    figures = figures_of(answers) | {"grammar_ms": grammar_ms, "magika_ms": magika_ms}
    print(_table(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
