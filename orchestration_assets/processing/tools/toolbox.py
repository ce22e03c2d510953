"""Carrying out calls of tools: held to the allow-list and to their schema, and never raising."""

import asyncio
import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from orchestration_assets.extensions.built_in_tools import (
    CalculateArguments,
    LookUpArguments,
    SearchArguments,
    SectionArguments,
    arguments_of,
)
from orchestration_assets.extensions.server_tool_arguments import fitting_arguments
from orchestration_assets.extensions.time_limit import TimeUsedUpError, limited
from orchestration_assets.extensions.tools import BUILT_IN, ToolError, plugged_in_tool
from orchestration_assets.knowledge.retrieval import Retrieval
from orchestration_assets.processing.tools.look_up import looked_up, read_table
from orchestration_assets.processing.tools.server_calls import (
    CameOf,
    ServerAwayError,
    ServerCalls,
)
from orchestration_assets.processing.tools.shown_results import shown_result
from orchestration_assets.schemas.items import Question
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.schemas.tool_servers import ServerTool, ToolServer
from orchestration_assets.schemas.tool_use import ToolOutcome, ToolRequest, ToolResult
from orchestration_assets.schemas.tools_config import LookUpTable, ToolsConfig
from orchestration_assets.text.arithmetic import CalculationError, calculate
from orchestration_assets.text.parts.sections import section_spans
from resources.home import Home
from resources.tool_servers.session import echoes_of

CPU_S: Final = 1.0
"""Processor time that one call may take."""
WALL_S: Final = 10.0
"""Time on the clock that one call may take."""
MOST_CALLS: Final = 8
"""Calls of one reply that are carried out; more are refused."""
LONGEST_ARGUMENTS: Final = 8_000
_LONGEST_REASON: Final = 300


class FinishedCalls(Protocol):
    """The calls of one reply that reached the outside, by their number in it."""

    def held(self, number: int) -> ToolResult | None: ...

    async def keep(self, number: int, result: ToolResult) -> None:
        """Returns once the result is on disk."""
        ...


class Toolbox:
    """The tools of a policy's tasks over what they may read, which is read when first needed.

    Knowledge and tables are those of the time when this is made use of first, and stay. Sessions
    with tool servers last until :meth:`aclose`.
    """

    def __init__(self, home: Home, policy: Policy) -> None:
        self._home = home
        self._configs = {name: task.tools for name, task in policy.tasks.items() if task.tools}
        self._tables: dict[str, tuple[pa.Table, str]] = {}
        self._reading = Lock()
        self._servers = ServerCalls()

    async def aclose(self) -> None:
        """Ends the sessions with tool servers; the next call begins another."""
        await self._servers.aclose()

    def data_version(self, task: str) -> str:
        """Names all that the tools of a task answer from: 64 bits of blake2b, hex.

        Raises KnowledgeError and ToolError for what cannot be read.
        """
        config = self._configs[task]
        versions = [[name, self._retrieval.versions[name]] for name in sorted(config.knowledge)]
        versions += [[name, self._table(one)[1]] for name, one in sorted(config.look_up.items())]
        return blake2b(json.dumps(versions).encode(), digest_size=8).hexdigest()

    async def run(
        self,
        requests: Sequence[ToolRequest],
        question: Question,
        redacted: Collection[SensitiveKind],
        done: Mapping[ToolRequest, int],
        finished: FinishedCalls | None = None,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> list[ToolResult]:
        """The result of each call of a reply, in order; ``done``: how often each was carried out
        before. What was asked again has no new result, and whatever breaks is one.

        ``finished`` keeps the calls that reached the outside, so that none is made again. Raises
        ServerAwayError for a server that cannot be asked.
        """
        counted = dict(done)
        tools = question.task.tools
        most = tools.result_chars if tools else 0
        results = []
        for number, request in enumerate(requests):
            counted[request] = counted.get(request, 0) + 1
            is_outside = self._is_outside(request, question)
            held = finished.held(number) if is_outside and finished is not None else None
            if held is None:
                came = await self._one(number, request, question, counted[request], seconds_left())
                held = shown_result(came.outcome, came.said, most, redacted)
                text = self._without_keys(request, question, held.text)
                held = replace(held, text=text, passing=came.passing)
                if is_outside and finished is not None and not held.passing:
                    await finished.keep(number, held)
            results.append(held)
        return results

    def _is_outside(self, request: ToolRequest, question: Question) -> bool:
        config = self._configs.get(question.task.name)
        return config is not None and config.server_tool(request.name) is not None

    def _without_keys(self, request: ToolRequest, question: Question, text: str) -> str:
        """What a server says, without the keys that it was given to say it."""
        config = self._configs.get(question.task.name)
        found = config.server_tool(request.name) if config is not None else None
        return text if found is None else echoes_of(found[1]).redacted(text)

    async def _one(
        self,
        number: int,
        request: ToolRequest,
        question: Question,
        times: int,
        seconds_left: float,
    ) -> CameOf:
        tools, config = question.task.tools, self._configs.get(question.task.name)
        allowed = [one.name for one in tools.declared] if tools else []
        if tools is None or config is None or request.name not in allowed:
            return _refused(f"there is no such tool; there are {', '.join(allowed)}")
        if number >= MOST_CALLS:
            return _refused(f"not carried out: {MOST_CALLS} calls at once are the most")
        if times > tools.repeats:
            return _refused("the same call was made before: use what it said, or ask otherwise")
        if len(request.arguments) > LONGEST_ARGUMENTS:
            return _refused(f"the arguments are longer than {LONGEST_ARGUMENTS} characters")
        if (found := config.server_tool(request.name)) is not None:
            return await self._at_server(request, *found[1:], seconds_left)
        try:
            arguments = arguments_of(request.name).model_validate_json(request.arguments or "{}")
        except ValidationError as error:
            return _refused(f"the arguments do not fit: {_problems(error)}")
        try:
            said = await asyncio.to_thread(
                limited,
                lambda: self._called(request.name, arguments, question, config),
                CPU_S,
                WALL_S,
            )
            return CameOf(ToolOutcome.ANSWERED, said)
        except (ToolError, CalculationError) as error:
            return _refused(str(error))
        except TimeUsedUpError as error:
            return CameOf(ToolOutcome.BROKEN, str(error))
        except Exception as error:  # noqa: BLE001 -- whatever a tool raises is what it came to
            said = " ".join(f"{type(error).__name__}: {error}".split())
            return CameOf(ToolOutcome.BROKEN, said[:_LONGEST_REASON])

    async def _at_server(
        self, request: ToolRequest, server: ToolServer, tool: ServerTool, seconds_left: float
    ) -> CameOf:
        """What came of a call that is sent outside: its arguments, and nothing else."""
        if seconds_left <= 0.0:
            why = "not carried out: the time for this answer is used up"
            return CameOf(ToolOutcome.REFUSED, why, passing=True)
        try:
            # a pattern of a schema may take its time
            arguments = await asyncio.to_thread(
                limited, lambda: fitting_arguments(tool, request.arguments), CPU_S, WALL_S
            )
            return await self._servers.call(request.name, tool, server, arguments, seconds_left)
        except ServerAwayError:
            raise
        except (ToolError, TimeUsedUpError) as error:
            return _refused(str(error))
        except Exception as error:  # noqa: BLE001 -- whatever a server brings about is its result
            said = " ".join(f"{type(error).__name__}: {error}".split())
            return CameOf(ToolOutcome.BROKEN, said[:_LONGEST_REASON])

    def _called(
        self, name: str, arguments: BaseModel, question: Question, config: ToolsConfig
    ) -> Any:
        if name not in BUILT_IN:
            return str(plugged_in_tool(name)[0].call(arguments, question))
        match arguments:
            case SearchArguments():
                found = self._retrieval.search(arguments.query, config.knowledge, arguments.limit)
                return [[one.document, one.heading, one.text] for one in found]
            case SectionArguments():
                return _section(question.item.text, arguments.number)
            case LookUpArguments():
                if arguments.table not in config.look_up:
                    raise ToolError(f"the tables are {', '.join(config.look_up)}")
                table, _ = self._table(config.look_up[arguments.table])
                return looked_up(table, arguments)
            case CalculateArguments():
                return calculate(arguments.expression)
            case _:
                raise ToolError(f"{name} is declared, and nothing carries it out")

    @cached_property
    def _retrieval(self) -> Retrieval:
        corpora = {name for config in self._configs.values() for name in config.knowledge}
        return Retrieval(self._home.knowledge, sorted(corpora))

    def _table(self, declared: LookUpTable) -> tuple[pa.Table, str]:
        path = (
            Path(declared.file)
            if declared.file is not None
            else self._home.tables.path(declared.table or "")
        )
        key = f"{path} {declared.columns}"
        with self._reading:
            if key not in self._tables:
                self._tables[key] = read_table(path, declared.columns)
            return self._tables[key]


def _refused(why: str) -> CameOf:
    return CameOf(ToolOutcome.REFUSED, why)


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'they'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False)[:3]
    )[:_LONGEST_REASON]


def _section(text: str, number: int | None) -> Any:
    spans = section_spans(text)
    if number is None:
        return [[n, span.heading] for n, span in enumerate(spans, start=1)]
    if number > len(spans):
        raise ToolError(f"there are {len(spans)} sections")
    span = spans[number - 1]
    return text[span.start : span.end]
