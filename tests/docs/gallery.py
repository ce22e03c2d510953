"""Runs an example of the gallery against the drill's server, and says what came of it.

``python -m tests.docs.gallery NAME...`` writes ``expected.json`` of the examples anew.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any, Final

import yaml

from orchestration_assets.__main__ import main as orchestrate
from orchestration_assets.schemas.enums import ResolutionStatus
from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving
from resources.home import Home

GALLERY: Final = Path(__file__).parents[2] / "docs" / "gallery"
EXAMPLES: Final = tuple(sorted(path.parent.name for path in GALLERY.glob("*/policy.yaml")))
ADDRESS: Final = "http://127.0.0.1:8377/v1"
"""Of the drill's server by default: the examples name it."""


def sources(example: str) -> list[Path]:
    """The folders that the example is run over, one after the other."""
    items = GALLERY / example / "items"
    return sorted(path for path in items.iterdir() if path.is_dir()) or [items]


def carry_out(example: str, folder: Path) -> Home:
    """The home of the example's runs; asserts that they end by themselves, with 1 where an answer
    was refused."""
    folder.mkdir(parents=True, exist_ok=True)
    script = yaml.safe_load((GALLERY / example / "answers.yaml").read_text("utf-8"))
    server = DrillServer(FaultScript.model_validate(script))
    policy, home = folder / "policy.yaml", folder / "home"
    with serving(server) as url:
        text = (GALLERY / example / "policy.yaml").read_text("utf-8")
        policy.write_text(text.replace(ADDRESS, url), "utf-8")
        for source in sources(example):
            settings = ["--home", str(home), "--policy", str(policy)]
            with chdir(GALLERY.parents[1]):
                assert orchestrate(["run", str(source), *settings]) in (0, 1)
    return Home(home)


def outcome(home: Home) -> dict[str, Any]:
    """What stands, what is disputed, and how often each service was asked."""
    answers: dict[str, dict[str, str | None]] = {}
    for row in _rows(home, "resolutions"):
        resolved = row["status"] == ResolutionStatus.RESOLVED
        stands = row["answer"] if resolved else f"({row['status']})"
        answers.setdefault(row["path"], {})[row["task"]] = stands
    disputed = [
        f"{row['path']}, {row['task']}: {row['sentence']}"
        for row in _rows(home, "disagreements")
        if row["consequence"] != "none"
    ]
    calls: dict[str, int] = {}
    for row in _rows(home, "call_log"):
        calls[row["service"]] = calls.get(row["service"], 0) + 1
    return {"answers": answers, "disputed": sorted(disputed), "calls": dict(sorted(calls.items()))}


def _rows(home: Home, table: str) -> Iterator[dict[str, Any]]:
    for batch in home.tables.batches(table):
        yield from home.tables.read(table, batch).to_pylist()


def main(names: list[str], folder: Path) -> None:
    for name in names or EXAMPLES:
        found = outcome(carry_out(name, folder / name))
        text = json.dumps(found, ensure_ascii=False, indent=1)
        (GALLERY / name / "expected.json").write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        main(sys.argv[1:], Path(place))
