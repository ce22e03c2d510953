"""`orchestrate verdicts`: check a file of verdicts before it is dropped."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from orchestration_assets.content.item_lookup import finder
from orchestration_assets.content.standing_records import standing_finder
from orchestration_assets.content.verdict_files import VerdictFileError
from orchestration_assets.content.verdicts import VerdictContext, understand
from orchestration_assets.policy.asked_tasks import asked_tasks
from orchestration_assets.policy.load import load_policy
from orchestration_assets.settings import Settings
from resources.home import Home


def check(settings: Settings, path: Path) -> int:
    """Prints every problem on a line of its own; returns 2 when there is one.

    Nothing is taken in. Raises PolicyError when there is no valid policy to check against.
    """
    loaded = load_policy(settings.policy)
    home = Home(settings.home)
    rules = VerdictContext(asked_tasks(home, loaded.policy), loaded.hash, datetime.now(UTC))
    try:
        data = path.read_bytes()
    except OSError as error:
        sys.stderr.write(f"{path}: cannot be read: {error.strerror}\n")
        return 2
    try:
        tables = home.tables
        checked = understand(path.name, data, rules, finder(tables), standing_finder(tables))
    except VerdictFileError as error:
        sys.stderr.write("".join(f"{path}: {problem}\n" for problem in error.problems))
        return 2
    items = len({row.item_id for row in checked.verdicts})
    left = f", {checked.not_judged} lines without a verdict" if checked.not_judged else ""
    message = f"valid, {len(checked.verdicts)} verdicts on {items} items{left}"
    sys.stdout.write(f"{path}: {message}; drop it into {home.verdicts}\n")
    return 0
