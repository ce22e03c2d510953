"""Kinds of sources that other distributions add, by the scheme of their URLs."""

from collections.abc import Sequence
from functools import cache

from orchestration_assets.plugins import (
    PluginGroup,
    PluginListing,
    list_plugins,
    load_plugin,
)
from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.source_urls import LOCAL, WEB, shown
from resources.content_source.source import Source


def source_plugins() -> PluginListing:
    """The installed plug-ins that are sources, by their schemes; none of them is imported.

    Schemes of folders, of web servers and of fsspec stay this project's.
    """
    listed = list_plugins(PluginGroup.SOURCES)
    if not listed.usable:
        return listed
    from fsspec.registry import known_implementations

    return list_plugins(PluginGroup.SOURCES, LOCAL | WEB | frozenset(known_implementations))


@cache
def source_class(scheme: str) -> type[Source] | None:
    """The class of a plug-in for a scheme, None without one.

    Raises PluginError for one that cannot be used.
    """
    plugin = source_plugins().usable.get(scheme)
    return None if plugin is None else load_plugin(plugin, Source)


def open_plugged_in(
    scheme: str, url: str, include: Sequence[str], exclude: Sequence[str], read_seconds: float
) -> Source | None:
    """The source of a plug-in behind a URL, None where no plug-in has its scheme.

    Raises PluginError, and SourceError where the source cannot be reached.
    """
    found = source_class(scheme)
    if found is None:
        return None
    try:
        return found(url, include, exclude, read_seconds)
    except SourceError:
        raise
    except Exception as error:
        plugin = source_plugins().usable[scheme]
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise SourceError(f"cannot read {shown(url)}: {plugin} says {said}; mend it") from error
