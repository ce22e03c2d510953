"""The packaged policy without file names: at least as right as magika, which it rarely asks."""

import os
import sysconfig
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks.content_type_accuracy import EXTENSIONS, LabelledFile, labelled_files
from benchmarks.withheld_names import LIMIT_ASKED, measure

INSTALLED = [
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"),
    "/usr/lib/node_modules",
    "/usr/share/doc",
    "/usr/include",
]


def _balanced(files: Iterable[LabelledFile], most: int) -> list[LabelledFile]:
    """At most so many files of a language: what is installed is mostly Python."""
    taken: Counter[str] = Counter()
    kept = []
    for file in files:
        if taken[file.label] < most:
            taken[file.label] += 1
            kept.append(file)
    return kept


@pytest.mark.slow
def test_on_installed_sources_of_every_language_that_is_there() -> None:
    folders = [Path(folder) for folder in INSTALLED if Path(folder).is_dir()]
    files = _balanced(labelled_files(folders, per_package=40), 200)
    if len(files) < 300:
        pytest.skip(f"only {len(files)} source files are installed on this machine")
    whole = measure(files)["whole"]
    # what is installed differs between machines: two files in a hundred may fall either way
    assert whole["policy"] >= whole["magika"] - 0.02
    assert whole["asked"] <= LIMIT_ASKED


@pytest.mark.skipif(
    "ORCHESTRATION_LABELLED_SOURCES" not in os.environ,
    reason="set ORCHESTRATION_LABELLED_SOURCES to folders of sources in ten languages",
)
def test_on_a_labelled_corpus_of_ten_languages() -> None:
    folders = [Path(p) for p in os.environ["ORCHESTRATION_LABELLED_SOURCES"].split(os.pathsep)]
    files = list(labelled_files(folders, per_package=50))
    assert {file.label for file in files} == set(EXTENSIONS.values())
    assert len(files) >= 1000
    whole = measure(files)["whole"]
    assert whole["policy"] >= whole["magika"]
    assert whole["asked"] <= LIMIT_ASKED
