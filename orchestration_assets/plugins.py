"""What other installed distributions add: plug-ins, listed by their entry points, loaded when used.

Listing reads what installers wrote down about each distribution and imports nothing. A plug-in is
imported where its name is used, so that a broken one costs nobody who does not use it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

from orchestration_assets.code_version import code_version
from orchestration_assets.schemas.errors import OrchestrationError

Loaded = TypeVar("Loaded", bound=type)

_PREFIX: Final = "content_orchestration."
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")


class PluginGroup(StrEnum):
    """What a distribution may add; the value is the name of the group of entry points."""

    SERVICES = f"{_PREFIX}services"
    SOURCES = f"{_PREFIX}sources"
    KINDS = f"{_PREFIX}kinds"
    FEATURES = f"{_PREFIX}features"
    TOOLS = f"{_PREFIX}tools"

    @property
    def noun(self) -> str:
        """What one of the group is called."""
        return self.value.removeprefix(_PREFIX).removesuffix("s")


class PluginError(OrchestrationError):
    """A plug-in cannot be used; the message names it, its distribution, and what to do."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point: ``name`` is what people write, ``target`` the ``module:Class`` behind it."""

    group: PluginGroup
    name: str
    target: str
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        """The distribution with its version, as one word."""
        return f"{self.distribution}-{self.version}"

    def __str__(self) -> str:
        place = f"{self.distribution} {self.version}, {self.target}"
        return f"plug-in {self.group.noun} {self.name!r} ({place})"


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """Why a plug-in is not used, and what to do about it."""

    plugin: Plugin
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.plugin}: {self.reason}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class PluginListing:
    """The plug-ins of one group: ``usable`` by name, and the ``problems`` of those that are not.

    What stands in ``usable`` may still fail to load.
    """

    usable: Mapping[str, Plugin]
    problems: tuple[PluginProblem, ...]

    def problem_of(self, name: str) -> PluginProblem | None:
        """Why no plug-in of this name is used, if one is installed."""
        return next((one for one in self.problems if one.plugin.name == name), None)


def sorted_out(found: list[Plugin], packaged: frozenset[str]) -> PluginListing:
    """The plug-ins whose names are theirs alone. Names of this project (``packaged``) stay its own;
    a name that several distributions give is given to none of them."""
    usable: dict[str, Plugin] = {}
    problems: list[PluginProblem] = []
    by_name: dict[str, list[Plugin]] = {}
    for plugin in sorted(set(found), key=lambda one: (one.name, one.distribution, one.target)):
        by_name.setdefault(plugin.name, []).append(plugin)
    for name, claimants in by_name.items():
        for plugin in claimants:
            reason = remedy = ""
            if not is_plugin_name(name):
                reason = "its name is not small letters, digits and underscores"
                remedy = f"name the entry point otherwise in {plugin.distribution}"
            elif name in packaged:
                reason = f"the name belongs to a {plugin.group.noun} of this project, which is used"
                remedy = f"name the entry point otherwise, or uninstall {plugin.distribution}"
            elif len(claimants) > 1:
                others = sorted(other.distribution for other in claimants if other != plugin)
                reason = f"the name is also given by {', '.join(others)}"
                remedy = "uninstall all but one of them"
            if reason:
                problems.append(PluginProblem(plugin, reason, remedy))
            else:
                usable[name] = plugin
    return PluginListing(MappingProxyType(usable), tuple(problems))


def is_plugin_name(name: str) -> bool:
    """Whether a policy could say it: small letters, digits and underscores, at most 60."""
    return _NAME.fullmatch(name) is not None


@cache
def list_plugins(group: PluginGroup, packaged: frozenset[str] = frozenset()) -> PluginListing:
    """The installed plug-ins of a group, read once a process: 10 ms with 300 distributions."""
    return sorted_out([_plugin(group, point) for point in entry_points(group=group)], packaged)


def _plugin(group: PluginGroup, point: EntryPoint) -> Plugin:
    distribution = point.dist
    name = distribution.name if distribution else "an unknown distribution"
    version = distribution.version if distribution else "0"
    return Plugin(group, point.name, point.value, str(name), str(version))


def _no_more(_name: str, _found: type) -> Iterator[str]:
    return iter(())


def usable_plugin(listed: PluginListing, name: str, unknown: str) -> Plugin:
    """The plug-in of this name. Raises PluginError: why it is not used, or ``unknown``."""
    if name in listed.usable:
        return listed.usable[name]
    raise PluginError(str(listed.problem_of(name) or unknown))


def made_plugin(
    plugin: Plugin, base: type, problems: Callable[[str, Any], Iterator[str]]
) -> tuple[Any, str]:
    """An instance of the class behind a plug-in, made without arguments, and its version.

    Raises PluginError; see :func:`load_plugin`.
    """
    found = load_plugin(plugin, base, problems)
    try:
        made = found()
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise PluginError(f"{plugin}: cannot be made ({said}); mend it") from error
    return made, plugin_version(plugin, found)


def load_plugin(
    plugin: Plugin, base: Loaded, problems: Callable[[str, Any], Iterator[str]] = _no_more
) -> Loaded:
    """The class behind a plug-in: a subclass of ``base`` that defines all that this asks for, under
    the name of its entry point, in which ``problems`` finds nothing.

    Raises PluginError, whatever its module does when it is imported.
    """
    try:
        found = EntryPoint(plugin.name, plugin.target, plugin.group.value).load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # a module of somebody else may raise anything, SystemExit too
        said = " ".join(f"{type(error).__name__}: {error}".split())
        remedy = f"mend or uninstall {plugin.distribution}"
        raise _refusal(plugin, f"cannot be imported ({said})", remedy) from error
    remedy = f"mend {plugin.distribution}, or use a version of it that fits"
    if not (isinstance(found, type) and issubclass(found, base)):
        raise _refusal(plugin, f"is no subclass of {base.__module__}.{base.__name__}", remedy)
    contract = _contract_problems(plugin, found)
    if wrong := "; ".join((*contract, *problems(plugin.name, found))):
        raise _refusal(plugin, wrong, remedy)
    try:
        code_version(found.__module__)
    except (ModuleNotFoundError, OSError, UnicodeDecodeError) as error:
        reason = "has no Python source, so that nothing tells when its results change"
        raise _refusal(plugin, reason, "install it unpacked, with its source") from error
    return cast(Loaded, found)


def _contract_problems(plugin: Plugin, found: type) -> Iterator[str]:
    if missing := sorted(getattr(found, "__abstractmethods__", ())):
        yield f"does not define {', '.join(missing)}"
    stated = getattr(found, "name", None)
    # a source goes by the scheme of its URLs alone
    if plugin.group is not PluginGroup.SOURCES and stated != plugin.name:
        yield f"its class says name = {stated!r}, its entry point {plugin.name!r}"


def plugin_version(plugin: Plugin, loaded: type) -> str:
    """What a result of the plug-in is kept under: the version of its distribution, and a hash over
    its code with all that this imports."""
    return f"{plugin.origin}+{code_version(loaded.__module__)}"


def _refusal(plugin: Plugin, reason: str, remedy: str) -> PluginError:
    return PluginError(str(PluginProblem(plugin, reason, remedy)))
