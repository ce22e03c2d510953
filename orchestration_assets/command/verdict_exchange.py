"""`orchestrate verdicts export` and `import`: for people who judge in other tools."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

from orchestration_assets.content.item_lookup import finder
from orchestration_assets.content.verdict_files import MAX_BYTES, VerdictFileError
from orchestration_assets.content.verdicts import VerdictContext, understand
from orchestration_assets.explorer.exchange.argilla import argilla_record, from_argilla
from orchestration_assets.explorer.exchange.label_studio import (
    CONFIG,
    from_label_studio,
    label_studio_task,
)
from orchestration_assets.explorer.exchange.open_questions import open_questions
from orchestration_assets.explorer.verdict_log import GivenVerdict
from orchestration_assets.policy.asked_tasks import asked_tasks
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.disagreement import REVIEW_QUEUE
from orchestration_assets.schemas.errors import OrchestrationError, os_problem
from orchestration_assets.settings import Settings
from resources.home import Home
from resources.table_store import write_atomically

FORMATS: Final = ("label-studio", "argilla")
_MOST_BYTES: Final = 256 << 20


class ExchangeError(OrchestrationError):
    """Verdicts cannot be exported or imported so; the message has the remedy."""


def export(settings: Settings, kind: str, *, batch: str, task: str, config: bool) -> int:
    """Prints the open questions as JSON, or the labelling configuration that they are made for.

    Raises ExchangeError for a home or batch that there is not.
    """
    if config:
        if kind != "label-studio":
            raise ExchangeError("--config: only Label Studio has a labelling configuration")
        sys.stdout.write(CONFIG)
        return 0
    if not settings.home.is_dir():
        raise ExchangeError(f"{settings.home}: there is no such home; give one by --home")
    home = Home(settings.home)
    if batch and batch not in home.tables.batches(REVIEW_QUEUE.name):
        raise ExchangeError(f"--batch {batch}: {settings.home} has no questions of such a batch")
    make = label_studio_task if kind == "label-studio" else argilla_record
    made = [make(one) for one in open_questions(home, batch, task)]
    if not made:
        of = f" of the task {task!r}" if task else ""
        sys.stderr.write(f"no question{of} is open in {settings.home}\n")
    json.dump(made, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")
    return 0


def import_file(settings: Settings, path: Path, kind: str, people: Sequence[str]) -> int:
    """Drops the verdicts of a file among those that wait, once every one is understood.

    Returns 2, and prints every problem, when one is not. Raises ExchangeError, ForeignFileError
    and PolicyError.
    """
    given = list(_verdicts(path, kind, _people(people)))
    if not given:
        raise ExchangeError(f"{path}: holds no verdict; was it exported with its annotations?")
    data = b"".join(one.line() for one in given)
    if len(data) > MAX_BYTES:
        raise ExchangeError(f"{path}: its verdicts have {len(data)} bytes; export in parts")
    home, loaded = Home(settings.home), load_policy(settings.policy)
    rules = VerdictContext(asked_tasks(home, loaded.policy), loaded.hash, datetime.now(UTC))
    # the same file, imported twice, is one file: its verdicts count once
    name = f"{kind}-{blake2b(path.read_bytes(), digest_size=8).hexdigest()}.jsonl"
    try:
        understood = understand(name, data, rules, finder(home.tables))
    except VerdictFileError as error:
        lines = (
            f"{path}, verdict {one.line}, {one.field}: {one.message}" for one in error.problems
        )
        sys.stderr.write("".join(f"{line}\n" for line in lines))
        return 2
    home.verdicts.mkdir(parents=True, exist_ok=True)
    write_atomically(home.verdicts / name, data)
    items = len({row.item_id for row in understood.verdicts})
    sys.stdout.write(
        f"{path}: {len(understood.verdicts)} verdicts on {items} items wait in "
        f"{home.verdicts / name}; take them in, {loaded.policy.feedback.settle_s:g} s from now: "
        "orchestrate job take_feedback\n"
    )
    return 0


def _verdicts(path: Path, kind: str, people: Mapping[str, str]) -> Iterable[GivenVerdict]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ExchangeError(f"{path}: has more than {_MOST_BYTES} bytes; export in parts")
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ExchangeError(f"{path}: is not UTF-8; export it as JSON") from error
    except OSError as error:
        raise ExchangeError(f"{path}: cannot be read: {os_problem(error)}") from error
    if kind == "label-studio":
        return from_label_studio(str(path), text, people)
    moment = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
    return from_argilla(str(path), text, people, moment)


def _people(given: Sequence[str]) -> dict[str, str]:
    """``ID=NAME`` options as a mapping. Raises ExchangeError."""
    found = {}
    for one in given:
        user, between, name = one.partition("=")
        if not between or not user.strip() or not name.strip():
            raise ExchangeError(f"--person {one}: write the id there, =, and a name: 7=Ada")
        found[user.strip()] = name.strip()
    return found
