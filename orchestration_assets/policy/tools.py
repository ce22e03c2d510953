"""The tools of a task, as a policy declares them."""

from collections.abc import Iterator

from orchestration_assets.extensions.built_in_tools import declared
from orchestration_assets.extensions.server_tool_arguments import schema_problem
from orchestration_assets.extensions.tools import BUILT_IN, plugged_in_tool, tool_plugins
from orchestration_assets.plugins import PluginError
from orchestration_assets.policy.problems import (
    Problem,
    closest_name,
    describe_value,
    safe_key,
)
from orchestration_assets.schemas.policy import Policy, TaskConfig
from orchestration_assets.schemas.services import ChatConfig
from orchestration_assets.schemas.tool_use import TaskTools
from orchestration_assets.schemas.tools_config import ToolsConfig
from orchestration_assets.text.replies.answer_text import is_answer_tool
from resources.tool_servers.session import INSTALL, is_installed


def task_tools(config: ToolsConfig) -> TaskTools:
    """The tools as services are told of them. Raises PluginError for one that is gone meanwhile."""
    return TaskTools(
        tuple(declared(name, config) for name in config.allow),
        config.steps,
        config.seconds,
        config.tokens,
        config.usd,
        config.repeats,
        config.result_chars,
    )


def tool_problems(policy: Policy, path: str, task: TaskConfig) -> Iterator[Problem]:
    """Tools that do not exist, or lack what they need."""
    tools, place = task.tools, f"{path}.tools"
    if tools is None:
        return
    for number, name in enumerate(tools.allow):
        if name not in BUILT_IN and tools.server_tool(name) is None:
            try:
                plugged_in_tool(name)
            except PluginError as error:
                yield Problem(f"{place}.allow[{number}]", describe_value(name), str(error))
    yield from _needs(tools, place, "search_knowledge", "knowledge", tools.knowledge)
    yield from _needs(tools, place, "look_up", "look_up", tuple(tools.look_up))
    for number, corpus in enumerate(tools.knowledge):
        if corpus not in policy.knowledge:
            known = list(policy.knowledge)
            where = f"{place}.knowledge[{number}]"
            yield Problem(
                where, describe_value(corpus, known), "no such corpus", closest_name(corpus, known)
            )
    yield from _server_problems(tools, place)
    if not any(isinstance(policy.services.get(name), ChatConfig) for name in task.askable):
        yield Problem(place, "", "no service of type openai_chat is asked, no other calls tools")


def _server_problems(tools: ToolsConfig, place: str) -> Iterator[Problem]:
    """Tools of servers that could not be told apart or declared; no server is connected to."""
    seen: dict[str, str] = {}
    if tools.servers and not is_installed():
        yield Problem(f"{place}.servers", "", f"needs the SDK of the protocol: {INSTALL}")
    for server, config in tools.servers.items():
        for name, tool in config.tools.items():
            where = f"{place}.servers.{safe_key(server)}.tools.{safe_key(name)}"
            if name in BUILT_IN or name in tool_plugins().usable or is_answer_tool(name):
                taken = "is the name of another tool: give it another, and its own under tool"
                yield Problem(where, "", taken)
            elif name in seen:
                yield Problem(where, "", f"{seen[name]} has a tool of this name, too")
            elif is_installed() and (why := schema_problem(tool)):
                yield Problem(f"{where}.arguments", "", why)
            seen.setdefault(name, server)


def _needs(
    tools: ToolsConfig, place: str, tool: str, field: str, given: tuple[str, ...]
) -> Iterator[Problem]:
    if tool in tools.allow and not given:
        yield Problem(f"{place}.{field}", "", f"{tool} needs to be told what it may read")
    if given and tool not in tools.allow:
        yield Problem(f"{place}.{field}", "", f"is for {tool}, which allow does not name")
