"""What many tests share: a small corpus, and a home in a temporary folder."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

# the same examples at every run, and no judgement by the clock: machines may be busy
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests say what they use; nothing leaks in from the developer's shell."""
    for name in ("HOME", "POLICY", "SOURCES"):
        monkeypatch.delenv(f"ORCHESTRATION_{name}", raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


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
