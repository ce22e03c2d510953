"""A folder of Python's path that a test installs distributions into."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration_assets import code_version, plugins
from orchestration_assets.extensions import features, kinds, tools
from orchestration_assets.services import registry
from resources.content_source import plugged_in


def _forget() -> None:
    for cached in (
        plugins.list_plugins,
        registry._plugged_in,
        plugged_in.source_class,
        kinds.own_kind,
        features.added_feature,
        tools.plugged_in_tool,
        code_version.code_version,
        code_version._read,
        code_version._source,
    ):
        cached.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What is installed there is found, and forgotten again with its modules."""
    place = tmp_path / "site"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))
    before = set(sys.modules)
    _forget()
    yield place
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(place)):
            del sys.modules[name]
    _forget()
