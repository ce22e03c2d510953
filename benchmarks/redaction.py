"""What redaction finds: recall by kind and carrier, false alarms on a folder, time per KB.

``python -m benchmarks redaction [FOLDER] [--split tuning|held_out|both] [--each N] [--seed N]
[--show] [--json FILE]``. Recall is over invented secrets (see _secrets.py); a sample counts as
found only when no six characters in a row of what is secret in it are left. Alarms are files of
FOLDER (default: the standard library) that redaction changes, by kind. Addresses of mail and of
machines that stand in a file are what they look like and are counted apart, and so is what a
reader judged to be real; ``--show`` prints what else was found.
"""

import argparse
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks._corpora import CorpusText, standard_library, texts_of
from benchmarks._output import table, write_json
from benchmarks._secrets import CARRIERS, KINDS, SecretSample, Split, samples
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import redact, sensitive_spans

RECALL: Final = 0.98
ALARMS: Final = 1 / 200
_ALL: Final = tuple(SensitiveKind)
_ADDRESSES: Final = frozenset({SensitiveKind.EMAIL, SensitiveKind.IP_ADDRESS})
_LEAST_LEFT: Final = 6
_TIMED_CHARS: Final = 8_192
_SHOWN: Final = 60
# where in the standard library of Python 3.11 a reader found passwords, keys and numbers to be
# what redaction took them for; everything else there counts as an alarm
_REAL: Final = re.compile(
    r"test/certdata/.*\.pem|(?:test/test_(?:urllib2net|http_cookiejar|smtplib|netrc|xmlrpc|ssl|"
    r"urllib2_localnet|urlparse)|urllib/request|distutils/tests/test_config)\.py"
)


def main(arguments: Sequence[str]) -> int:
    """``[FOLDER] [--split NAME] [--each N] [--seed N] [--show] [--json FILE]``; 1 below a bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks redaction", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=standard_library())
    parser.add_argument("--split", choices=("tuning", "held_out", "both"), default="both")
    parser.add_argument("--each", type=int, default=10, help="samples of a kind in a carrier")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="prints what is missed and what alarms")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    splits: tuple[Split, ...] = ("tuning", "held_out") if given.split == "both" else (given.split,)
    texts = texts_of(given.folder)
    if not texts:
        print(f"{given.folder}: no text files", file=sys.stderr)
        return 2
    figures: dict[str, Any] = {
        "recall": {one: recall(samples(one, given.seed, given.each), given.show) for one in splits},
        "alarms": alarms(texts, given.show),
        "speed": speed(texts),
    }
    print(_show(figures, given.folder))
    write_json(given.json, figures)
    reached = all(one["all"] >= RECALL for one in figures["recall"].values())
    return 0 if reached and figures["alarms"]["share"] <= ALARMS else 1


def is_found(sample: SecretSample) -> bool:
    """Whether nothing that tells is left of any part that must be hidden."""
    left = redact(sample.text, _ALL).text
    return not any(_stands(part, left) for part in sample.hidden)


def _stands(part: str, text: str) -> bool:
    size = min(len(part), _LEAST_LEFT)
    return any(part[at : at + size] in text for at in range(len(part) - size + 1))


def recall(given: Iterable[SecretSample], show: bool = False) -> dict[str, Any]:
    """The share found: of all, by kind and by carrier."""
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for sample in given:
        well = is_found(sample)
        found[sample.kind].append(well)
        found[sample.carrier].append(well)
        if show and not well:
            print(f"missed: {sample.kind}, {sample.carrier}: {sample.text.strip()[:200]!r}")
    shares = {name: sum(one) / len(one) for name, one in found.items()}
    kinds = {kind.name: shares[kind.name] for kind in KINDS}
    return {
        "samples": sum(len(found[kind.name]) for kind in KINDS),
        "all": sum(sum(found[kind.name]) for kind in KINDS)
        / sum(len(found[kind.name]) for kind in KINDS),
        "kinds": kinds,
        "carriers": {carrier: shares[carrier] for carrier in CARRIERS},
    }


def alarms(texts: Sequence[CorpusText], show: bool = False) -> dict[str, Any]:
    """Files that are changed, by kind; ``share`` is of those with what is not real."""
    by_kind: Counter[str] = Counter()
    changed = others = false = 0
    for text in texts:
        found = sensitive_spans(text.text, _ALL)
        kinds = {kind for _, _, kind in found}
        by_kind.update(kind.value for kind in kinds)
        changed += bool(kinds)
        others += bool(kinds - _ADDRESSES)
        false += bool(kinds - _ADDRESSES) and not _REAL.fullmatch(text.path)
        if show:
            for start, end, kind in found:
                if kind not in _ADDRESSES:
                    said = text.text[max(0, start - 30) : min(end, start + _SHOWN)]
                    print(f"found: {text.path}: {kind.value}: {said!r}")
    return {
        "files": len(texts),
        "changed": changed,
        "kinds": {kind.value: by_kind[kind.value] for kind in SensitiveKind},
        "beside_addresses": others,
        "alarms": false,
        "share": false / len(texts),
    }


def speed(texts: Sequence[CorpusText], most: int = 400) -> dict[str, float]:
    """Milliseconds for the first 8,192 characters of a text, and microseconds per KB."""
    given = [text.text[:_TIMED_CHARS] for text in texts[:most]]
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        for text in given:
            redact(text, _ALL)
        best = min(best, time.perf_counter() - began)
    size = sum(map(len, given))
    return {"ms_a_text": best / len(given) * 1e3, "us_a_kb": best / size * 1024 * 1e6}


def _show(figures: dict[str, Any], folder: Path) -> str:
    recalls = figures["recall"]
    names = list(recalls)
    parts = []
    for title, member in (("Found, by kind", "kinds"), ("Found, by carrier", "carriers")):
        rows = [
            (name, *(recalls[one][member][name] for one in names))
            for name in recalls[names[0]][member]
        ]
        parts.append(table(title, ("", *names), rows))
    totals = [(one, recalls[one]["samples"], recalls[one]["all"], RECALL) for one in names]
    parts.append(table("Found, of all", ("split", "samples", "share", "at least"), totals))
    seen = figures["alarms"]
    parts.append(
        table(
            f"Files that are changed, of {seen['files']:,}: {folder}",
            ("kind", "files"),
            [
                *seen["kinds"].items(),
                ("any", seen["changed"]),
                ("any but addresses", seen["beside_addresses"]),
                ("of them not judged real", seen["alarms"]),
                ("the most for that", int(seen["files"] * ALARMS)),
            ],
        )
    )
    parts.append(table("Time", ("", "figure"), list(figures["speed"].items())))
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
