"""`orchestrate tools`: what tool servers offer, beside what was accepted of them."""

import asyncio
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

import yaml

from orchestration_assets.policy.load import load_policy
from orchestration_assets.processing.tools.server_calls import change_of
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tool_servers import LONGEST_SCHEMA, ToolServer, canonical
from resources.tool_servers.session import OfferedTool, ToolServerError, ToolSession

_FAILED: Final = 1
_LONGEST_DESCRIPTION: Final = 4_000


@dataclass(frozen=True, slots=True)
class ServerListing:
    """What is to be said of one server: lines for people, and its tools as a policy holds them.

    ``is_accepted``: everything that was accepted of it is as it was.
    """

    lines: tuple[str, ...]
    tools: Mapping[str, Any]
    is_accepted: bool


def show(path: Path | None) -> int:
    """Asks each server what it offers, and prints it as YAML for the policy.

    Returns 1 where a server cannot be asked, or something that was accepted changed; raises
    PolicyError for a policy that does not hold.
    """
    policy = load_policy(path).policy
    code = 0
    servers = dict(_servers(policy))
    if not servers:
        sys.stdout.write("# no task names a tool server: they stand under tools.servers\n")
    for where, server in servers.items():
        try:
            offered = asyncio.run(_offered(server))
        except ToolServerError as error:
            sys.stderr.write(f"{where}: {error}\n")
            code = _FAILED
            continue
        listing = listing_of(server, offered)
        code = code if listing.is_accepted else _FAILED
        offers = "1 tool is" if len(offered) == 1 else f"{len(offered)} tools are"
        for line in (f"{where}: {offers} offered", *listing.lines):
            sys.stdout.write(f"# {line}\n")
        # escaped: what nobody sees, or what steers a terminal, is read, too
        sys.stdout.write(yaml.safe_dump({"tools": dict(listing.tools)}, sort_keys=False, width=100))
    return code


def listing_of(server: ToolServer, offered: Mapping[str, OfferedTool]) -> ServerListing:
    """What differs from what was accepted, and all that is offered in the form of the policy."""
    names = {one.tool or name: name for name, one in server.tools.items()}
    lines: list[str] = []
    tools: dict[str, Any] = {}
    for name, accepted in server.tools.items():
        change = change_of(accepted, offered.get(accepted.tool or name))
        lines.append(f"{name}: {change or 'as accepted'}")
    is_accepted = all(line.endswith(": as accepted") for line in lines)
    for at_server, tool in sorted(offered.items()):
        if (why := _unusable(tool)) is not None:
            lines.append(f"{at_server!a}: cannot be accepted: {why}")
            continue
        name = names.get(at_server) or _name_for(at_server, {*server.tools, *tools})
        if at_server not in names:
            lines.append(f"{name}: not accepted")
        one = {} if name == at_server else {"tool": at_server}
        arguments = dict(tool.arguments)
        tools[name] = one | {"description": tool.description, "arguments": arguments}
    return ServerListing(tuple(lines), tools, is_accepted)


def _servers(policy: Policy) -> Iterator[tuple[str, ToolServer]]:
    """Each server once, by where it stands in the policy."""
    seen: set[str] = set()
    for task, config in policy.tasks.items():
        for name, server in config.tools.servers.items() if config.tools else ():
            known = canonical([server.reached, sorted(server.tools)])
            if known not in seen:
                seen.add(known)
                yield f"tasks.{task}.tools.servers.{name}", server


async def _offered(server: ToolServer) -> Mapping[str, OfferedTool]:
    session = ToolSession(server, shows_errors=True)
    await session.open()
    try:
        return await session.offered()
    finally:
        await session.aclose()


def _unusable(tool: OfferedTool) -> str | None:
    if not re.fullmatch(r"[A-Za-z0-9_./-]{1,128}", tool.name):
        return "its name"
    if len(tool.description) > _LONGEST_DESCRIPTION:
        return f"its description is longer than {_LONGEST_DESCRIPTION} characters"
    if len(canonical(tool.arguments)) > LONGEST_SCHEMA:
        return f"its schema is longer than {LONGEST_SCHEMA} characters"
    return None


def _name_for(at_server: str, taken: Collection[str]) -> str:
    """A name that a policy may hold, and no other tool of the server has."""
    plain = re.sub(r"[^a-z0-9_]+", "_", at_server.lower())[:50]
    name = plain if plain[0].isalpha() else f"tool_{plain}"
    further = (f"{name}_{number}" for number in count(2))
    return next(one for one in chain((name,), further) if one not in taken)
