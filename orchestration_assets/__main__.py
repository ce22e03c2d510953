"""The `orchestrate` command."""

import argparse
import atexit
import io
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from orchestration_assets import __version__
from orchestration_assets.command.environment import environment_chosen
from orchestration_assets.command.garbage import collect_after_start, collect_from_here
from orchestration_assets.command.interruption import stoppable
from orchestration_assets.command.limits import allow_open_files, saying_damage
from orchestration_assets.schemas.errors import OrchestrationError, os_problem
from orchestration_assets.settings import Settings, absolute_path

USAGE_ERROR = 2
_MEMORY = "give the process more (ulimit -v), or make batches smaller (content.batch.max_bytes)"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, as for every other usage error."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="orchestrate",
        description="Profile content, choose how to process it, ask services, report disagreement.",
    )
    parser.add_argument("--version", action="version", version=f"orchestrate {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="take a source from listing to report")
    run.add_argument(
        "source", metavar="SOURCE", help="a folder, a file, or a URL such as s3://bucket/path"
    )
    _shared_options(run, "print the summary as JSON")
    run.add_argument(
        "--budget-usd",
        type=_usd,
        metavar="USD",
        help="spend no more than this; the rest is over_budget, and partial results stand",
    )
    run.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help="carry out N batches side by side (by cores, memory and the size of the batches)",
    )
    run.add_argument(
        "--reprocess", action="store_true", help="materialize every known batch of SOURCE again"
    )
    job = commands.add_parser("job", help="run one job by its name; without a name, list them all")
    job.add_argument("name", nargs="?", metavar="NAME", help="such as take_feedback or calibrate")
    job.add_argument("--batch", metavar="ID", help="the batch, for process_batch and reprocess")
    job.add_argument("--budget-usd", type=_usd, metavar="USD", help="spend no more than this")
    _shared_options(job, "print the outcome as JSON")
    explain = commands.add_parser("explain", help="everything known of one item, and why")
    explain.add_argument("item", metavar="ITEM", help="its id, its path, or its address")
    preview = commands.add_parser(
        "preview", help="what a run would compute and ask; asks nothing, writes nothing"
    )
    preview.add_argument(
        "source", metavar="SOURCE", help="a folder, a file, or a URL such as s3://bucket/path"
    )
    preview.add_argument(
        "--sample", type=_positive, default=500, metavar="N", help="items to forecast from (500)"
    )
    preview.add_argument(
        "--budget-usd", type=_usd, metavar="USD", help="say what so much money would be enough for"
    )
    forget = commands.add_parser(
        "forget", help="remove one item's content everywhere in the home, and prove it"
    )
    forget.add_argument("item", metavar="ITEM", help="its id, its path, or its address")
    forget.add_argument(
        "--yes", action="store_true", help="do it; without this, only say what would be removed"
    )
    for command in (explain, preview, forget):
        _shared_options(command, "print it as JSON")
    tidy = commands.add_parser(
        "tidy", help="delete what nobody needs any more: old batches, pages, caches, models"
    )
    tidy.add_argument(
        "--yes", action="store_true", help="do it; without this, only say what would be deleted"
    )
    tidy.add_argument(
        "--keep-batches",
        type=_whole,
        default=30,
        metavar="N",
        help="the newest N batches stay as they are (30)",
    )
    tidy.add_argument(
        "--older-than",
        type=_days,
        default=30.0,
        metavar="DAYS",
        help="what is younger stays as it is (30)",
    )
    _shared_options(tidy, "print it as JSON")
    _policy_commands(commands)
    replay = commands.add_parser(
        "replay", help="what another policy would have yielded on recorded answers, without a call"
    )
    replay.add_argument("--policy", type=Path, metavar="FILE", required=True, help="the other one")
    replay.add_argument("--home", type=Path, help="where everything is kept (.orchestration)")
    _environment_option(replay)
    replay.add_argument("--json", action="store_true", help="print the figures as JSON")
    verdicts = commands.add_parser("verdicts", help="check a file of verdicts before dropping it")
    doings = verdicts.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = doings.add_parser("check", help="report every problem in the file; takes nothing in")
    check.add_argument("file", type=Path, metavar="FILE", help="CSV or JSON Lines")
    check.add_argument("--home", type=Path, help="where the judged items are (.orchestration)")
    check.add_argument("--policy", type=Path, metavar="FILE", help="policy file")
    _environment_option(check)
    return parser


def _policy_commands(commands: "argparse._SubParsersAction[_Parser]") -> None:
    policy = commands.add_parser(
        "policy", help="check a policy file, show it, bring it up to date, print its schema"
    )
    actions = policy.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, words in (
        ("check", "report every problem in the file"),
        ("show", "print the policy in force, defaults filled in"),
    ):
        action = actions.add_parser(name, help=words)
        action.add_argument("file", nargs="?", type=Path, metavar="FILE")
        _environment_option(action)
        if name == "check":
            action.add_argument(
                "--watch", action="store_true", help="check again after every change, until Ctrl-C"
            )
        else:
            action.add_argument(
                "--explain", action="store_true", help="say of each value where it comes from"
            )
    migrate = actions.add_parser(
        "migrate", help="bring files to the present version of the format, comments kept"
    )
    migrate.add_argument("files", nargs="+", type=Path, metavar="FILE")
    migrate.add_argument(
        "--write", action="store_true", help="rewrite the files; without this, print them"
    )
    actions.add_parser("schema", help="print the JSON Schema of the policy file, for editors")


def _usd(text: str) -> float:
    value = float(text)
    if not 0.0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no amount of US dollars")
    return value


def _shared_options(command: argparse.ArgumentParser, json_words: str) -> None:
    command.add_argument("--home", type=Path, help="where everything is kept (.orchestration)")
    command.add_argument(
        "--policy", type=Path, metavar="FILE", help="policy file (packaged default)"
    )
    _environment_option(command)
    command.add_argument("--json", action="store_true", help=json_words)


def _environment_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--env", metavar="NAME", help="environment of the policy (ORCHESTRATION_ENV, else none)"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)


def _days(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 36_500.0:
        raise argparse.ArgumentTypeError(f"{text} is no number of days from 0 to 36,500")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code: 0, 1 when items failed, 2 for a usage error."""
    # models are small and many: more threads only fight over the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # what a run intends to make is written down in one go
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")
    _let_everything_be_written()
    given = _parser().parse_args(arguments)
    chosen = environment_chosen(getattr(given, "env", None))
    with chosen, stoppable() as signal_seen, saying_damage(sys.stderr):
        try:
            allow_open_files()
            return _dispatch(given)
        except OrchestrationError as error:
            return _fail_with(str(error), error.exit_code)
        except KeyboardInterrupt:
            return _fail_with("stopped; run the same command to go on", 128 + signal_seen())
        except MemoryError as error:
            return _fail_with(f"out of memory{_about(error)}; {_MEMORY}", USAGE_ERROR)
        except BrokenPipeError:
            # whoever read the output has seen enough
            return 128 + signal.SIGPIPE
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            return _fail_with(f"{where}{os_problem(error)}", USAGE_ERROR)


def _let_everything_be_written() -> None:
    """Characters that the terminal does not know are escaped; a closed stream takes what comes."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # open as long as the process
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fail_with(message: str, code: int) -> int:
    sys.stderr.write(f"orchestrate: {' '.join(message.splitlines())}\n")
    return code


def _about(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f" ({said})" if said else ""


def _dispatch(given: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    if given.command == "policy":
        return _dispatch_on_policy(given, settings)
    from orchestration_assets.command.lean_arrow import convert_without_pandas
    from resources.home_store import give_back, use_store

    convert_without_pandas()
    if given.home is not None:
        settings = replace(settings, home=absolute_path(given.home))
    if given.policy is not None:
        settings = replace(settings, policy=absolute_path(given.policy))
    use_store(settings.home, settings.store)
    code = _dispatch_on_home(given, settings)
    give_back(settings.home)
    return code


def _dispatch_on_policy(given: argparse.Namespace, settings: Settings) -> int:
    if given.action == "migrate":
        from orchestration_assets.command import policy_migrate

        return policy_migrate.run(given.files, write=given.write)
    from orchestration_assets.command import policy

    if given.action == "schema":
        return policy.schema()
    path = given.file or settings.policy
    if given.action == "check":
        from orchestration_assets.command import policy_check

        if not given.watch:
            return policy_check.check(path)
        if path is None:
            return _fail_with("the packaged policy does not change: name a file", USAGE_ERROR)
        return policy_check.watch(path)
    if given.explain:
        from orchestration_assets.command.policy_explain import explain

        return explain(path)
    return policy.show(path)


def _dispatch_on_home(given: argparse.Namespace, settings: Settings) -> int:
    if given.command not in {"run", "job"}:
        # these two begin with Dagster
        collect_from_here()
    if given.command == "job":
        from orchestration_assets.command import job

        if given.name is None:
            return job.show_jobs()
        return job.run_job(
            settings,
            given.name,
            batch=given.batch,
            as_json=given.json,
            budget_usd=given.budget_usd,
        )
    if given.command == "explain":
        from orchestration_assets.command.explain import explain

        return explain(settings, given.item, as_json=given.json)
    if given.command == "forget":
        from orchestration_assets.command.forget import forget

        return forget(settings, given.item, as_json=given.json, confirmed=given.yes)
    if given.command == "tidy":
        from orchestration_assets.command.tidy import tidy

        return tidy(
            settings,
            as_json=given.json,
            confirmed=given.yes,
            keep_batches=given.keep_batches,
            older_than_days=given.older_than,
        )
    if given.command == "preview":
        from orchestration_assets.command.preview import preview

        return preview(
            settings,
            given.source,
            as_json=given.json,
            sample=given.sample,
            budget_usd=given.budget_usd,
        )
    if given.command == "verdicts":
        from orchestration_assets.command import verdicts

        return verdicts.check(settings, given.file)
    if given.command == "replay":
        from orchestration_assets.command import replay

        return replay.run(settings, as_json=given.json)
    from orchestration_assets.command.run import run

    return run(
        settings,
        given.source,
        as_json=given.json,
        again=given.reprocess,
        budget_usd=given.budget_usd,
        jobs=given.jobs,
    )


def command() -> NoReturn:
    """What the shell starts: ends the process with the exit code of :func:`main`."""
    collect_after_start()
    code = 1
    # registered first, so that it runs last: after threads were joined and files were put away
    atexit.register(lambda: _leave(code))
    try:
        code = main()
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """Ends the process without taking native libraries apart.

    Arrow's threads may still be starting or stopping at that moment, which aborts the process
    after its work is done.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or USAGE_ERROR
    os._exit(code)


if __name__ == "__main__":
    command()
