"""What the pages state of the project is so: tasks, features, assets, jobs, variables, floors."""

import re
from pathlib import Path

from jobs import JOBS, SCHEDULES
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.features import FEATURES
from orchestration_assets.schemas.policy import Choice
from orchestration_assets.schemas.tables import TABLES
from sensors import SENSORS
from tests.docs.pages import PAGES, ROOT, code_spans

_README = ROOT / "README.md"
_OPERATIONS = ROOT / "docs" / "operations.md"
_ARCHITECTURE = ROOT / "docs" / "architecture.md"


def _rows(page: Path) -> dict[str, list[str]]:
    """First cell -> the other cells, of every table of the page."""
    lines = [
        line.strip("| ").split("|") for line in page.read_text().splitlines() if line[:1] == "|"
    ]
    return {first.strip(" `"): [cell.strip() for cell in rest] for first, *rest in lines}


def _models(choice: Choice) -> set[str]:
    return {choice.model.value}.union(*map(_models, choice.sub_choices.values()))


def test_the_packaged_policy_is_as_the_readme_says() -> None:
    rows = _rows(_README)
    for name, task in load_policy().policy.tasks.items():
        kind, _, models, services = rows[name]
        assert kind == task.kind
        used = set().union(*map(_models, task.choices.values()))
        assert set(re.findall("sequential|parallel|iterative|hybrid", models)) == used
        asked = {service for choice in task.choices.values() for service in choice.admissible}
        assert set(re.findall(r"`(\w+)`", services)) == asked


def test_the_number_of_features_is_said_right() -> None:
    said = [int(n) for page in PAGES for n in re.findall(r"(\d+)\s+features\b", page.read_text())]
    assert set(said) == {len(FEATURES)}


def test_every_job_schedule_and_sensor_is_named() -> None:
    named = set(code_spans(_OPERATIONS))
    assert {one.name for one in (*JOBS, *SCHEDULES, *SENSORS)} <= named


def test_every_variable_of_the_project_is_in_the_table() -> None:
    settings = (ROOT / "orchestration_assets" / "settings.py").read_text()
    variables = set(re.findall(r'"(ORCHESTRATION_\w+)"', settings))
    assert variables and variables <= _rows(_OPERATIONS).keys()


def test_every_asset_stands_in_the_picture() -> None:
    text = _ARCHITECTURE.read_text()
    made = TABLES.keys() - {"batch_entries", "run_failures"}
    kinds = {"sequential_", "parallel_", "iterative_", "hybrid_"}
    missing = {name for name in made if name not in text}
    assert missing <= {f"{kind}interpretations" for kind in kinds}


def test_every_package_is_a_floor_of_the_list() -> None:
    packages = {
        f"orchestration_assets/{path.parent.name}/"
        for path in (ROOT / "orchestration_assets").glob("*/__init__.py")
    }
    assert packages <= {*code_spans(_ARCHITECTURE)}
