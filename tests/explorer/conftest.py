"""A finished run as it is served."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Finished
from tests.explorer.serving import Served, serving_site, site_of


@pytest.fixture(scope="module")
def shown(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The explorer of a run that is only looked at."""
    with serving_site(site_of(finished.home, tmp_path_factory.mktemp("index"))) as served:
        yield served


@pytest.fixture
def desk(copied: Finished, tmp_path: Path) -> Iterator[Served]:
    """The explorer of a run whose home may be written to."""
    with serving_site(site_of(copied.home, tmp_path / "index")) as served:
        yield served
