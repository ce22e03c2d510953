"""What a policy says of servers of the Model Context Protocol: how they are reached, and which of
their tools were accepted, word for word."""

import json
from hashlib import blake2b
from typing import Annotated, Any, Final

from pydantic import Field, field_validator, model_validator

from orchestration_assets.schemas.addresses import ServiceAddress
from orchestration_assets.schemas.pasted_secrets import holds_secret
from orchestration_assets.schemas.services import Name, Strict
from orchestration_assets.schemas.variables import VariableName

LONGEST_SCHEMA: Final = 20_000
"""Characters of the JSON Schema of a tool's arguments, as JSON."""
_ServerVariable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
_Word = Annotated[str, Field(min_length=1, max_length=4_000, pattern=r"^[^\x00]+$")]


class ServerTool(Strict):
    """A tool of a server as it was accepted. One that the server describes otherwise is refused."""

    tool: Annotated[str, Field(pattern=r"^[A-Za-z0-9_./-]{1,128}$")] | None = Field(
        default=None, description="its name at the server; null: the name that it has here"
    )
    description: Annotated[str, Field(max_length=4_000)] = Field(
        default="", description="what services are told of it: the server's words, as accepted"
    )
    arguments: dict[str, Any] = Field(description="the JSON Schema of its arguments, as accepted")

    @field_validator("arguments")
    @classmethod
    def _of_an_object(cls, schema: dict[str, Any]) -> dict[str, Any]:
        if schema.get("type") != "object":
            raise ValueError("is no JSON Schema of an object: give it type: object")
        try:
            text = canonical(schema)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError("holds what JSON has not, such as a date: quote it") from error
        if len(text) > LONGEST_SCHEMA:
            raise ValueError(f"is longer than {LONGEST_SCHEMA} characters")
        return schema


class ProgramLimits(Strict):
    """What each process of a program may use (setrlimit), where the system is Linux."""

    cpu_s: Annotated[int, Field(ge=1)] = Field(
        default=3_600, description="processor time, seconds; then the process is killed"
    )
    memory_mb: Annotated[int, Field(ge=16)] = Field(
        default=4_096, description="private memory that can be written to (RLIMIT_DATA), MiB"
    )
    file_mb: Annotated[int, Field(ge=0)] = Field(
        default=1_024, description="size of a file that it writes, MiB"
    )
    open_files: Annotated[int, Field(ge=16)] = Field(
        default=1_024, description="files and connections that are open at once"
    )
    processes: Annotated[int, Field(ge=1)] = Field(
        default=512,
        description="processes and threads beyond those that your user has when it starts; root "
        "is not held to it",
    )


class ToolServer(Strict):
    """A server of the Model Context Protocol: a program that is started, or an address."""

    command: Annotated[tuple[_Word, ...], Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="program and arguments; it speaks over its input and output"
    )
    variable_env: dict[_ServerVariable, VariableName] = Field(
        default_factory=dict,
        description="all variables that the program has: variable -> environment variable that "
        "holds its value",
    )
    folder: _Word | None = Field(
        default=None,
        description="folder that the program runs in; a relative one from where the command runs; "
        "null: an empty one, which is removed when the program has ended",
    )
    limits: ProgramLimits = Field(
        default=ProgramLimits(), description="what each process of the program may use"
    )
    url: ServiceAddress | None = Field(
        default=None, description="address that speaks streamable HTTP, in place of a command"
    )
    header_env: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")], VariableName] = Field(
        default_factory=dict,
        description="header -> environment variable that holds its value, such as Authorization",
    )
    tools: dict[Name, ServerTool] = Field(
        default_factory=dict,
        description="name that services call it by -> the tool as accepted; `orchestrate tools "
        "FILE` prints what the server offers in this form. No other tool of it can be allowed",
    )
    version: str = Field(
        default="",
        max_length=100,
        description="change it when the server answers otherwise than before: questions are asked "
        "anew",
    )
    start_s: Annotated[float, Field(gt=0.0, le=300.0)] = Field(
        default=20.0, description="until the server is there, and to say what it offers"
    )
    call_s: Annotated[float, Field(gt=0.0, le=600.0)] = Field(
        default=30.0, description="time of one call"
    )
    concurrency: Annotated[int, Field(ge=1, le=64)] = Field(
        default=4, description="calls under way at once"
    )

    @field_validator("command")
    @classmethod
    def _without_secrets(cls, command: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if any(map(holds_secret, command or ())):
            raise ValueError(
                "holds what looks like a key, and policies are shown and kept: put it into an "
                "environment variable and name that in variable_env"
            )
        return command

    @model_validator(mode="after")
    def _reached_in_one_way(self) -> "ToolServer":
        if (self.command is None) == (self.url is None):
            raise ValueError("give command or url, one of them")
        if self.command is None:
            # a kept policy states the defaults as well
            of_programs = {
                "variable_env": self.variable_env,
                "folder": self.folder is not None,
                "limits": self.limits != ProgramLimits(),
            }
            if given := [name for name, is_given in of_programs.items() if is_given]:
                raise ValueError(f"{given[0]} is for a command")
        if self.header_env and self.url is None:
            raise ValueError("header_env is for a url")
        return self

    @property
    def reached(self) -> str:
        """Names the running server that calls go to: two configurations with the same share it."""
        kept = self.model_dump(mode="json", exclude={"tools", "version"})
        return canonical(kept)

    @property
    def answers_as(self) -> str:
        """What its answers depend on beside the tool and its arguments: 64 bits of blake2b, hex."""
        kept = ["command", "variable_env", "url", "header_env", "version"]
        plain = canonical(self.model_dump(mode="json", include=set(kept)))
        return blake2b(plain.encode(), digest_size=8).hexdigest()


def canonical(value: Any) -> str:
    """JSON with sorted names: the same for what is the same."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
