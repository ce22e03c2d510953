"""Looks for texts that a grammar takes long to read: short patterns of code, repeated.

``python -m benchmarks grammar_baits [LANGUAGE ...] [--seconds S] [--json FILE]``: for every grammar
it repeats one mark, pairs of marks and some longer patterns, on one line and on many, to the most
that a profile parses, and has them read as a profile does, under half of the stage's budget of
10 ms. Error recovery is where grammars take quadratic time and more; the worst found are printed,
with the share of the texts that were given up. 1 when one took more than the 50 ms of an item.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks._output import table, write_json
from orchestration_assets.profiling.code import (
    CODE_LANGUAGES,
    DOCUMENT_LANGUAGES,
    CodePiece,
    code_chars,
    code_features,
    document_features,
    part_to_parse,
)
from orchestration_assets.profiling.deadline import BUDGET_MS, HARD_LIMIT_MS, Stage
from orchestration_assets.profiling.profiler import load_everything

_MARKS: Final = (
    *"(){}[]<>\"'`#/*-+=;:,.|&!?%\\$@~^ \n\ta1\0\u03bb\u0301",
    *("if ", "else ", "for ", "def ", "class ", "case ", "do ", "end ", "return ", "fn ", "not "),
    *(
        "lambda ",
        "import ",
        "<<E\n",
        "/*",
        "//",
        '"""',
        "<!--",
        "<a>",
        "</",
        "=>",
        "->",
        "::",
        "- ",
    ),
    *("a:\n", "&&"),
)
_SEED: Final = 0
_PARSE_MS: Final = BUDGET_MS[Stage.COMPLEXITY] / 2


def main(arguments: Sequence[str]) -> int:
    """``[LANGUAGE ...] [--seconds S] [--json FILE]``"""
    languages = (*CODE_LANGUAGES, *DOCUMENT_LANGUAGES)
    parser = argparse.ArgumentParser(prog="python -m benchmarks grammar_baits")
    parser.add_argument("languages", nargs="*", choices=[*languages, []], metavar="LANGUAGE")
    parser.add_argument("--seconds", type=float, default=15.0, help="for each language")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    load_everything()
    found = {name: _searched(name, given.seconds) for name in given.languages or languages}
    header = ("language", "texts", "given up", "over 10 ms", "worst ms", "pattern")
    rows = [(name, *figures.values()) for name, figures in found.items()]
    print(
        table("What grammars take for repeated patterns (ratio to the limit: / 50)", header, rows)
    )
    write_json(given.json, found)
    return 0 if all(one["worst_ms"] < HARD_LIMIT_MS for one in found.values()) else 1


def _searched(language: str, seconds: float) -> dict[str, Any]:
    taken: list[tuple[float, str]] = []
    given_up = 0
    began = time.monotonic()
    for pattern in _patterns():
        if time.monotonic() - began > seconds:
            break
        took, complete = _read(language, pattern)
        taken.append((took, pattern))
        given_up += not complete
    worst, pattern = max(taken)
    return {
        "texts": len(taken),
        "given_up": given_up / len(taken),
        "over_10_ms": sum(took > 10 for took, _ in taken),
        "worst_ms": worst,
        "pattern": repr(pattern),
    }


def _patterns() -> Iterator[str]:
    """Every pattern once, in an order that a seed gives."""
    rng = random.Random(_SEED)
    found = [*_MARKS, *(a + b for a in _MARKS for b in _MARKS if a != b)]
    found += ["".join(rng.choices(_MARKS, k=rng.randint(3, 6))) for _ in range(500)]
    found += [f"{pattern}\n" for pattern in found]
    rng.shuffle(found)
    return iter(found)


def _read(language: str, pattern: str) -> tuple[float, bool]:
    most = code_chars(language)
    text = pattern * (2 * most // len(pattern) + 1)
    piece = CodePiece(part_to_parse(text, language, most), language)
    began = time.thread_time()

    def out_of_time() -> bool:
        return (time.thread_time() - began) * 1000 > _PARSE_MS

    if language in CODE_LANGUAGES:
        values = code_features([piece], out_of_time)
    else:
        values = document_features(piece, out_of_time)
    return (time.thread_time() - began) * 1000, bool(values)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
