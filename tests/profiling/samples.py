"""Real texts for the profiling tests: a fixed sample of the running Python's standard library."""

import sysconfig
from functools import cache
from pathlib import Path
from random import Random

_LEFT_OUT = {"site-packages", "__pycache__"}
_WORDS = (
    "time year people way day man thing woman life child world school state family student group "
    "country problem hand part place case week company system program question work government "
    "number night point home water room mother area money story fact month lot right study book "
    "eye job word business issue side kind head house service friend father power hour game line "
    "end member law car city community name president team minute idea body information back "
    "parent face others level office door health person art war history party result change "
    "morning reason research girl guy moment air teacher force education"
).split()


@cache
def standard_library(count: int, suffix: str = "") -> tuple[tuple[str, str], ...]:
    """``count`` text files as (path, text), the same at every call on one machine."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = [
        path
        for path in sorted(root.rglob(f"*{suffix}"))
        if path.is_file() and not _LEFT_OUT & set(path.relative_to(root).parts)
    ]
    Random(7).shuffle(files)
    found: list[tuple[str, str]] = []
    for path in files:
        data = path.read_bytes()
        if data and b"\0" not in data and _is_utf8(data):
            found.append((str(path.relative_to(root)), data.decode()))
        if len(found) == count:
            break
    return tuple(found)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def words_like_a_text(count: int, seed: int) -> list[str]:
    """``count`` words whose frequencies fall as in natural language (Zipf)."""
    weights = [1 / rank for rank in range(1, len(_WORDS) + 1)]
    return Random(seed).choices(_WORDS, weights, k=count)
