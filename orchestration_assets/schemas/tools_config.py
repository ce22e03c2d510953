"""What a policy says of the tools of a task."""

from typing import Annotated

from pydantic import Field, model_validator

from orchestration_assets.schemas.services import Name, Strict
from orchestration_assets.schemas.tool_servers import ServerTool, ToolServer


class LookUpTable(Strict):
    """A table that ``look_up`` may read: a Parquet or CSV file, or a table of the home that is made
    of no batch."""

    file: str | None = Field(default=None, min_length=1, description="a Parquet or CSV file")
    table: Name | None = Field(default=None, description="table of the home, such as gold_labels")
    columns: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)] = Field(
        description="columns that may be read and asked for; no other is"
    )
    meaning: str = Field(default="", description="what a row says, for services")

    @model_validator(mode="after")
    def _from_one_place(self) -> "LookUpTable":
        if (self.file is None) == (self.table is None):
            raise ValueError("give file or table, one of them")
        return self


class ToolsConfig(Strict):
    """The tools that services of type openai_chat may call for an answer, within bounds."""

    allow: Annotated[tuple[Name, ...], Field(min_length=1, max_length=16)] = Field(
        description="search_knowledge, read_section, look_up, calculate, a tool of a plug-in, or "
        "one that was accepted of a server; what is not named here cannot be called"
    )
    knowledge: tuple[Name, ...] = Field(
        default=(), description="search_knowledge: the corpora that may be searched"
    )
    look_up: dict[Name, LookUpTable] = Field(
        default_factory=dict, description="look_up: name -> a table that may be read"
    )
    servers: dict[Name, ToolServer] = Field(
        default_factory=dict,
        description="name -> a server of the Model Context Protocol, which is sent the arguments "
        "of calls; needs the extra 'mcp'",
    )
    steps: Annotated[int, Field(ge=1, le=32)] = Field(
        default=6, description="replies that may call tools; then the service must answer"
    )
    seconds: Annotated[float, Field(gt=0.0, le=3600.0)] = Field(
        default=60.0, description="time of all calls for one answer"
    )
    tokens: Annotated[int, Field(ge=1)] = Field(
        default=20_000, description="tokens of all prompts and replies for one answer"
    )
    usd: Annotated[float, Field(gt=0.0)] | None = Field(
        default=None, description="what one answer may cost with all its calls; null: the budget"
    )
    repeats: Annotated[int, Field(ge=1, le=10)] = Field(
        default=1, description="how often the same call is carried out for an answer"
    )
    result_chars: Annotated[int, Field(ge=100, le=100_000)] = Field(
        default=4_000, description="characters of a result that a service is shown"
    )

    def server_tool(self, name: str) -> tuple[str, ToolServer, ServerTool] | None:
        """The server that an accepted tool is of, by name, and the tool; None for another tool."""
        for server, one in self.servers.items():
            if name in one.tools:
                return server, one, one.tools[name]
        return None
