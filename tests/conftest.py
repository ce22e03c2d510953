"""What many tests share: a small corpus, a home in a temporary folder, and a finished run."""

import gc
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from orchestration_assets.__main__ import main
from resources.ai_services.drill.server import DrillServer, serving

os.environ.setdefault("OMP_NUM_THREADS", "1")
# at Python's own pace a tenth of the time goes into it
gc.set_threshold(20_000, 20, 20)

# the same examples at every run: more of them find nothing new from the second run on; and no
# judgement by the clock: machines may be busy
settings.register_profile(
    "steady",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")


# the files that take longest: where they begin last, one process works on while others are done
LONGEST = (
    *("graph/test_daemon", "graph/test_policy_daemon", "docs/test_guides", "command/test_jobs"),
    *(
        "command/test_deployment",
        "command/test_policy_life",
        "faults/",
        "command/test_shared_store",
    ),
    *("command/test_side_by_side", "processing/test_killed", "docs/test_gallery"),
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file that names nothing slow is not even loaded where only slow tests are asked for."""
    if config.option.markexpr != "slow" or not collection_path.name.startswith("test_"):
        return None
    return (collection_path.is_file() and b"slow" not in collection_path.read_bytes()) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_length_class)


def _length_class(item: pytest.Item) -> int:
    """Where its file stands among the longest; the others, in their own order, come after them."""
    path = item.path.as_posix().removeprefix(f"{Path(__file__).parent.as_posix()}/")
    places = (place for place, begin in enumerate(LONGEST) if path.startswith(begin))
    return next(places, len(LONGEST))


def pytest_collection_finish() -> None:
    """What is imported by now stays: it is not searched for garbage over and over."""
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def no_environment() -> Iterator[None]:
    """Tests say what they use; nothing leaks in from the developer's shell."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "POLICY", "SOURCES"):
            patch.delenv(f"ORCHESTRATION_{name}", raising=False)
        patch.delenv("DAGSTER_HOME", raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def begun_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The databases of a fresh home are copies of the first that were made: the migrations that
    Dagster loads for each take longer than many a test."""
    # a session without Dagster, of one file perhaps, does not wait for it
    if "dagster" not in sys.modules:
        yield
        return
    from orchestration_assets.command import instance

    begun, make = tmp_path_factory.mktemp("begun"), instance.open_storage

    def copied(folder: Path) -> dict[str, Any]:
        if not any((folder / name).exists() for name in ("history", "schedules")):
            if not any(begun.iterdir()):
                _begin(begun, make(begun))
            shutil.copytree(begun, folder, dirs_exist_ok=True)
        return make(folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instance, "open_storage", copied)
        yield


def _begin(folder: Path, storages: dict[str, Any]) -> None:
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef

    ref = InstanceRef.from_dir(str(folder), overrides=storages)
    with dg.DagsterInstance.from_ref(ref) as instance:
        instance.get_runs_count()
    shutil.rmtree(folder / "storage", ignore_errors=True)


CORPUS = {
    "app/main.py": (
        "import sys\n\n\ndef main(arguments):\n    for one in arguments:\n        if one:\n"
        "            print(one)\n    return 0\n\n\nsys.exit(main(sys.argv[1:]))\n"
    ),
    "app/copy_of_main.py": None,
    "app/list.h": (
        "#pragma once\n#include <vector>\nnamespace app {\ntemplate <typename T>\nclass List "
        "{\n public:\n  void push(const T& value) { items_.push_back(value); }\n private:\n"
        "  std::vector<T> items_;\n};\n}  // namespace app\n"
    ),
    "run": '#!/usr/bin/env bash\nset -euo pipefail\nfor f in *.txt; do\n  echo "$f"\ndone\n',
    "docs/guide.md": (
        "# Guide\n\nThis is the guide that explains how to use the program with the files that you"
        " have.\n\n- Open the folder and look at what is in it.\n- Read the report when it is "
        "done.\n"
    ),
    "docs/fr.md": (
        "# Guide\n\nVoici le guide qui explique comment utiliser le programme avec les fichiers "
        "que vous avez.\n\n- Ouvrez le dossier et regardez ce qui est dedans.\n- Lisez le rapport "
        "quand il est prêt.\n"
    ),
    "data/settings.json": '{"name": "app", "values": [1, 2, 3], "nested": {"on": true}}\n',
    "notes.txt": (
        "The meeting was moved to the afternoon because the room was taken in the morning, and "
        "nobody was unhappy about that.\n"
    ),
    "empty.txt": "",
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


def write_corpus(root: Path) -> Path:
    """A folder of small, real files: code, markup, data, prose, a duplicate, an empty file."""
    for name, text in CORPUS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text is not None else str(CORPUS["app/main.py"]), "utf-8")
    (root / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00")
    return root


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@dataclass(frozen=True)
class Finished:
    """A folder, and the home and summary of a run of the command over it."""

    source: Path
    home: Path
    summary: dict[str, Any]

    @property
    def batch(self) -> str:
        (batch,) = self.summary["batches"]
        return batch


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run over the corpus, made once: to be read only, the source too."""
    folder = tmp_path_factory.mktemp("finished")
    source, home = write_corpus(folder / "corpus"), folder / "home"
    with redirect_stdout(StringIO()) as printed:
        assert main(["run", str(source), "--home", str(home), "--json"]) == 0
    return Finished(source, home, json.loads(printed.getvalue()))


@pytest.fixture
def copied(finished: Finished, home: Path) -> Finished:
    """The finished run with a copy of its home, to be written to."""
    shutil.copytree(finished.home, home)
    return replace(finished, home=home)


@pytest.fixture
def drill() -> Iterator[DrillServer]:
    server = DrillServer()
    with serving(server) as url:
        server.url = url
        yield server
