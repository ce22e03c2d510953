"""The `orchestrate` command."""

import argparse
import atexit
import io
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from orchestration_assets import __version__
from orchestration_assets.command.compare_options import add_compare_options
from orchestration_assets.command.environment import environment_chosen
from orchestration_assets.command.garbage import collect_after_start, collect_from_here
from orchestration_assets.command.interruption import stoppable
from orchestration_assets.command.limits import allow_open_files, saying_damage
from orchestration_assets.command.policy_options import (
    add_policy_actions,
    environment_option,
    home_option,
    policy_option,
)
from orchestration_assets.command.rollout_options import add_rollout_options
from orchestration_assets.command.thread_options import add_thread_options
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
    job.add_argument(
        "--batch", metavar="ID", help="the batch, for process_batch, reprocess and take_up_deferred"
    )
    job.add_argument("--budget-usd", type=_usd, metavar="USD", help="spend no more than this")
    _shared_options(job, "print the outcome as JSON")
    explain = commands.add_parser("explain", help="everything known of one item, and why")
    explain.add_argument("item", metavar="ITEM", help="its id, its path, or its address")
    explain.add_argument(
        "--trace", action="store_true", help="when what happened to it, as a timeline"
    )
    thread = add_thread_options(commands)
    preview = commands.add_parser(
        "preview", help="what a run would compute and ask; asks nothing, writes nothing"
    )
    preview.add_argument(
        "source",
        metavar="SOURCE",
        nargs="?",
        help="a folder, a file, or a URL; without one, every batch of the home, processed again",
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
    for command in (explain, thread, preview, forget):
        _shared_options(command, "print it as JSON")
    _tidy_command(commands)
    policy = commands.add_parser(
        "policy", help="check, show, compare, activate and roll back policies"
    )
    add_policy_actions(policy)
    add_rollout_options(commands)
    add_compare_options(commands)
    _traces_command(commands)
    _plugin_commands(commands)
    replay = commands.add_parser(
        "replay", help="what another policy would have yielded on recorded answers, without a call"
    )
    replay.add_argument("--policy", type=Path, metavar="FILE", required=True, help="the other one")
    home_option(replay)
    environment_option(replay)
    replay.add_argument("--json", action="store_true", help="print the figures as JSON")
    _signals_options(
        commands.add_parser("signals", help="how batches went, what waits, which alerts hold")
    )
    _serve_options(
        commands.add_parser("serve", help="show a home in the browser, and take verdicts")
    )
    verdicts = commands.add_parser("verdicts", help="check a file of verdicts before dropping it")
    doings = verdicts.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = doings.add_parser("check", help="report every problem in the file; takes nothing in")
    check.add_argument("file", type=Path, metavar="FILE", help="CSV or JSON Lines")
    home_option(check)
    policy_option(check)
    environment_option(check)
    _exchange_options(doings)
    return parser


def _tidy_command(commands: "argparse._SubParsersAction[_Parser]") -> None:
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


def _traces_command(commands: "argparse._SubParsersAction[_Parser]") -> None:
    traces = commands.add_parser(
        "traces", help="send traces that are still due to the receiver that OTEL_* variables name"
    )
    traces.add_argument(
        "--batch",
        action="append",
        default=[],
        metavar="ID",
        help="send that of this batch, also again; several may be given",
    )
    _shared_options(traces, "print what was sent as JSON")


def _plugin_commands(commands: "argparse._SubParsersAction[_Parser]") -> None:
    plugins = commands.add_parser(
        "plugins", help="what other installed packages add, and which of it cannot be used"
    )
    plugins.add_argument("--json", action="store_true", help="print the list as JSON")
    tools = commands.add_parser(
        "tools", help="ask a policy's tool servers what they offer, and print it for the policy"
    )
    tools.add_argument("file", nargs="?", type=Path, metavar="FILE")
    environment_option(tools)
    new = commands.add_parser("new", help="begin a package of your own: a plug-in")
    things = new.add_subparsers(dest="thing", required=True, metavar="THING")
    begun = {
        "service": "an embedded service, with its tests",
        "feature": "a profile feature, with its tests",
        "kind": "a kind of answer, with its tests",
    }
    for thing, what in begun.items():
        one = things.add_parser(thing, help=what)
        one.add_argument("name", metavar="NAME", help="what a policy calls it, such as shouting")
        one.add_argument(
            "--folder", type=Path, metavar="DIR", help="where the package goes (one of its name)"
        )


def _exchange_options(doings: "argparse._SubParsersAction[_Parser]") -> None:
    export = doings.add_parser("export", help="print the open questions for another tool")
    export.add_argument("--batch", default="", metavar="ID", help="those of one batch")
    export.add_argument("--task", default="", metavar="NAME", help="those of one task")
    export.add_argument(
        "--config", action="store_true", help="print Label Studio's labelling configuration instead"
    )
    taking = doings.add_parser("import", help="take verdicts of another tool")
    taking.add_argument("file", type=Path, metavar="FILE", help="what was exported there, as JSON")
    taking.add_argument(
        "--person",
        action="append",
        default=[],
        metavar="ID=NAME",
        help="sign the verdicts of a user there with a name",
    )
    for command in (export, taking):
        command.add_argument(
            "--format", required=True, choices=("label-studio", "argilla"), help="the other tool"
        )
        home_option(command)
        policy_option(command)


def _signals_options(signals: argparse.ArgumentParser) -> None:
    signals.add_argument(
        "--since",
        type=_span,
        default="7d",
        metavar="TIME",
        help="the batches of so long: 30m, 12h, 7d (7d)",
    )
    signals.add_argument(
        "--textfile",
        type=Path,
        metavar="PATH",
        help="write them there in the format of Prometheus, for node_exporter",
    )
    signals.add_argument(
        "--tell",
        action="store_true",
        help="note which alerts began or ended, and tell the webhook, as runs and the sensor do",
    )
    _shared_options(signals, "print them as JSON")


def _serve_options(serve: argparse.ArgumentParser) -> None:
    home_option(serve)
    policy_option(serve)
    serve.add_argument("--port", type=_whole, default=8400, metavar="N", help="0 takes any (8400)")
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where to listen (127.0.0.1); any other than this machine needs a token",
    )
    serve.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name under which the server may be asked for",
    )
    serve.add_argument(
        "--token-env",
        default="ORCHESTRATION_SERVE_TOKEN",
        metavar="NAME",
        help="the environment variable with the token (ORCHESTRATION_SERVE_TOKEN)",
    )
    serve.add_argument(
        "--workers", type=_whole, default=1, metavar="N", help="processes that make pages (1)"
    )
    serve.add_argument("--read-only", action="store_true", help="take no verdicts, write nothing")


def _usd(text: str) -> float:
    value = float(text)
    if not 0.0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no amount of US dollars")
    return value


def _shared_options(command: argparse.ArgumentParser, json_words: str) -> None:
    home_option(command)
    policy_option(command)
    environment_option(command)
    command.add_argument("--json", action="store_true", help=json_words)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)


def _span(text: str) -> timedelta:
    from orchestration_assets.command.signals import span

    try:
        return span(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


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
        from orchestration_assets.command.lean_arrow import convert_without_pandas
        from orchestration_assets.command.policy_options import dispatch

        convert_without_pandas()
        return dispatch(given, settings, _with_policy_in_force)
    if given.command == "plugins":
        from orchestration_assets.command import plugins

        return plugins.show(as_json=given.json)
    if given.command == "tools":
        from orchestration_assets.command import tool_servers

        return tool_servers.show(given.file)
    if given.command == "new":
        from orchestration_assets.command import new_plugin

        return new_plugin.create(given.thing, given.name, given.folder)
    from orchestration_assets.command.lean_arrow import allocate_from_system, convert_without_pandas
    from resources.home_store import give_back, use_store

    convert_without_pandas()
    allocate_from_system()
    if given.home is not None:
        settings = replace(settings, home=absolute_path(given.home))
    if getattr(given, "policy", None) is not None:
        settings = replace(settings, policy=absolute_path(given.policy))
    use_store(settings.home, settings.store)
    settings = _with_policy_in_force(settings)
    if given.command == "rollout":
        from orchestration_assets.command.rollout_options import dispatch as dispatch_rollout

        code = dispatch_rollout(given, settings)
        give_back(settings.home)
        return code
    if given.command == "compare":
        from orchestration_assets.command.compare_options import dispatch as dispatch_compare

        code = dispatch_compare(given, settings)
        give_back(settings.home)
        return code
    if given.command in {"run", "job"}:
        settings = _with_policy_to_follow(settings)
    code = _dispatch_on_home(given, settings)
    give_back(settings.home)
    return code


def _with_policy_in_force(settings: Settings) -> Settings:
    """The settings with the active policy of the home, where they name no policy; says so where
    none is active either, though batches were planned under another than the packaged one."""
    from orchestration_assets.policy.unnamed_policy import packaged_note
    from resources.active_policy import active_policy_file
    from resources.home import Home

    if settings.policy is not None:
        return settings
    home = Home(settings.home)
    active = active_policy_file(home)
    if active is None and (note := packaged_note(home)):
        sys.stderr.write(f"orchestrate: {note}\n")
    return replace(settings, policy=active)


def _with_policy_to_follow(settings: Settings) -> Settings:
    """The settings with the policy in force, where the one that they name is only tried yet."""
    from orchestration_assets.policy.rollout_start import policy_to_follow
    from resources.home import Home

    follow = policy_to_follow(Home(settings.home), settings.policy)
    if follow.note:
        sys.stderr.write(f"orchestrate: {follow.note}\n")
    return replace(settings, policy=follow.path)


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
    if given.command in {"explain", "traces", "thread"}:
        return _look_back(given, settings)
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
    if given.command == "verdicts" and given.action != "check":
        from orchestration_assets.command import verdict_exchange

        if given.action == "import":
            return verdict_exchange.import_file(settings, given.file, given.format, given.person)
        return verdict_exchange.export(
            settings, given.format, batch=given.batch, task=given.task, config=given.config
        )
    if given.command == "verdicts":
        from orchestration_assets.command import verdicts

        return verdicts.check(settings, given.file)
    if given.command in {"serve", "signals"}:
        return _show_home(given, settings)
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


def _show_home(given: argparse.Namespace, settings: Settings) -> int:
    if given.command == "signals":
        from orchestration_assets.command.signals import signals

        return signals(
            settings,
            given.since,
            as_json=given.json,
            textfile=given.textfile,
            tells=given.tell,
        )
    from orchestration_assets.command import serve

    served = serve.serve_settings(
        given.host, given.allow_host, given.token_env, read_only=given.read_only
    )
    return serve.serve(settings, served, given.host, given.port, given.workers)


def _look_back(given: argparse.Namespace, settings: Settings) -> int:
    if given.command == "traces":
        from orchestration_assets.command import traces

        return traces.send(settings, given.batch, as_json=given.json)
    if given.command == "thread":
        from orchestration_assets.command.thread_options import dispatch as dispatch_thread

        return dispatch_thread(given, settings)
    if given.trace:
        from orchestration_assets.command.explain_trace import explain_trace

        return explain_trace(settings, given.item, as_json=given.json)
    from orchestration_assets.command.explain import explain

    return explain(settings, given.item, as_json=given.json)


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
