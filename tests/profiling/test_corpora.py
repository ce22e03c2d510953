"""On real corpora every score tells items apart, and none depends on how long an item is."""

import os
import sysconfig
import tarfile
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestration_assets.profiling.profiler import profile
from orchestration_assets.profiling.scores import SCORES
from orchestration_assets.profiling.text import Values
from orchestration_assets.schemas.features import FEATURE_NAMES
from tests.profiling.samples import standard_library

Texts = tuple[tuple[str, str], ...]
PAGES = Path(os.environ.get("ORCHESTRATION_EVAL_DATA", "")) / "content" / "tldr_pages.tar.gz"


def _installed_documents(count: int) -> Texts:
    """Markdown, reStructuredText and plain text that came with the installed packages; not the
    lists of names that installers keep."""
    root = Path(sysconfig.get_paths()["purelib"])
    files = [
        path
        for suffix in ("md", "rst", "txt")
        for path in sorted(root.rglob(f"*.{suffix}"))
        if path.is_file() and path.stat().st_size > 1000
    ]
    Random(7).shuffle(files)
    texts = ((path.name, path.read_text("utf-8", "replace")) for path in files[:count])
    return tuple((name, text) for name, text in texts if text.strip())


def _tldr_pages(count: int) -> Texts:
    with tarfile.open(PAGES) as archive:
        members = [member for member in archive.getmembers() if member.name.endswith(".md")]
        chosen = Random(7).sample(members, count)
        opened = [(member.name, archive.extractfile(member)) for member in chosen]
        return tuple((name, file.read().decode()) for name, file in opened if file)


CORPORA = {
    "standard library": lambda: standard_library(250),
    "documents": lambda: _installed_documents(80),
    "tldr pages": lambda: _tldr_pages(300),
}


@cache
def _profiles(corpus: str) -> Sequence[Values]:
    if corpus == "tldr pages" and not PAGES.is_file():
        pytest.skip("ORCHESTRATION_EVAL_DATA names no folder with content/tldr_pages.tar.gz")
    texts = CORPORA[corpus]()
    return [profile(path, text, size_bytes=len(text)).features for path, text in texts]


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("score", SCORES)
def test_no_score_is_constant_or_sticks_to_an_end(corpus: str, score: str) -> None:
    values = np.array([float(features[score] or 0) for features in _profiles(corpus)])
    low, high = np.quantile(values, [0.1, 0.9])
    assert high - low >= 0.05
    assert np.mean(values <= 0.02) <= 0.25
    assert np.mean(values >= 0.98) <= 0.02
    assert max(Counter(values.round(3)).values()) <= 0.35 * len(values)
    assert len(set(values)) > len(values) / 3


def test_every_feature_has_more_than_one_value_somewhere() -> None:
    both = [*_profiles("standard library"), *_profiles("documents")]
    same = [name for name in FEATURE_NAMES if len({features[name] for features in both}) < 2]
    assert same == []


LENGTH_FREE = [
    name
    for name in FEATURE_NAMES
    if name.endswith(("_density", "_score", "_share"))
    or name.startswith("mean_")
    or name in ("readability", "sentiment", "cyclomatic_mean", "nesting_mean")
]
# Said of repetition, which a repeated text has more of.
LENGTH_FREE.remove("duplicate_line_share")
LENGTH_FREE.remove("repeated_trigram_share")


@pytest.mark.parametrize("times", [2, 3])
def test_a_text_twice_as_long_has_the_same_densities_means_and_scores(times: int) -> None:
    # a text without a sentence mark is one sentence, however long
    documents = [pair for pair in _installed_documents(80) if pair[1].count(". ") >= 5]
    short = [
        (path, text if text.endswith("\n") else text + "\n")
        for path, text in (*standard_library(150), *documents)
        if 1500 < len(text) < 5400
    ]
    assert len(short) > 20
    spread = np.nanstd([_numbers(features) for features in _profiles("standard library")], axis=0)
    changes = []
    for path, text in short:
        once, more = (
            profile(path, part, size_bytes=len(part), clock=lambda: 0.0).features
            for part in (text, text * times)
        )
        changes.append((_numbers(more) - _numbers(once)) / spread)
    usual = np.nanquantile(np.abs(changes), 0.9, axis=0)
    bias = np.abs(np.nanmedian(changes, axis=0))
    for name, most, middle in zip(LENGTH_FREE, usual, bias, strict=True):
        assert most < 0.4, name
        assert middle < 0.1, name


def _numbers(features: Values) -> NDArray[np.float64]:
    return np.array([_number(features[name]) for name in LENGTH_FREE])


def _number(value: object) -> float:
    return float("nan") if value is None else float(str(value))
