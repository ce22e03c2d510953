"""Tools that services may call for an answer: their contract, and those of other distributions."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar, Final

from pydantic import BaseModel

from orchestration_assets.plugins import (
    PluginGroup,
    PluginListing,
    list_plugins,
    made_plugin,
    usable_plugin,
)
from orchestration_assets.schemas.items import Question
from orchestration_assets.text.replies.answer_text import is_answer_tool

BUILT_IN: Final = ("search_knowledge", "read_section", "look_up", "calculate")
"""The tools of this project."""
_PACKAGED: Final = frozenset(BUILT_IN)


class ToolError(ValueError):
    """A call that cannot be answered; the message tells the service what to do otherwise."""


class Tool(ABC):
    """Something that a service may call for an answer.

    ``Arguments`` is a pydantic model that forbids unknown names: its JSON Schema is what services
    are told, and every call is held to it. ``description`` tells them what the tool is for.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    Arguments: ClassVar[type[BaseModel]]

    @abstractmethod
    def call(self, arguments: Any, question: Question) -> str:
        """What the tool says to an instance of ``Arguments``, about the question at hand.

        It reads and changes nothing outside. Raises ToolError for a call that has no answer; what
        else it raises is told as its failure. It runs in a thread and is stopped after a second.
        """


@cache
def plugged_in_tool(name: str) -> tuple[Tool, str]:
    """The tool of a plug-in and its version. Raises PluginError where none is usable."""
    listed = tool_plugins()
    unknown = f"no tool is called {name!r}; there are {', '.join((*BUILT_IN, *listed.usable))}"
    return made_plugin(usable_plugin(listed, name, unknown), Tool, tool_problems)


def tool_plugins() -> PluginListing:
    """The installed plug-ins that are tools; none of them is imported."""
    return list_plugins(PluginGroup.TOOLS, _PACKAGED)


def tool_problems(name: str, tool: type[Tool]) -> Iterator[str]:
    """What keeps a class from being the tool ``name``, in words."""
    if is_answer_tool(name):
        yield "what services call by this name is taken for their answer: give it another"
    description = getattr(tool, "description", None)
    if not (isinstance(description, str) and description.strip()):
        yield "description is no sentence"
    model = getattr(tool, "Arguments", None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield "Arguments is no pydantic model"
    elif model.model_config.get("extra") != "forbid":
        yield 'Arguments takes unknown names: give it model_config = ConfigDict(extra="forbid")'
