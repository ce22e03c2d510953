"""Dagster's history in a real PostgreSQL server: runs, restarts, an outage, and forgetting."""

from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from orchestration_assets.__main__ import main
from orchestration_assets.command.forget_history import forget_in_history, quotes_in_servers
from orchestration_assets.command.instance import open_instance
from resources.home import Home
from tests.servers import Postgres, postgres_server

pytestmark = pytest.mark.skipif(
    find_spec("dagster_postgres") is None, reason="needs the extra postgres"
)

INSTANCE = """
telemetry: {enabled: false}
storage:
  postgres:
    postgres_url: {env: HISTORY_URL}
"""


@pytest.fixture
def server(monkeypatch):
    with postgres_server() as server:
        monkeypatch.setenv("HISTORY_URL", server.url)
        yield server


@pytest.fixture
def configured(home: Path, server: Postgres) -> Path:
    (home / "dagster").mkdir(parents=True)
    (home / "dagster" / "dagster.yaml").write_text(INSTANCE)
    return home


def texts(server: Postgres) -> str:
    """Everything that stands in the server, as one text."""
    engine = sa.create_engine(server.url)
    with engine.connect() as connection:
        names = sa.inspect(engine).get_table_names()
        return "\n".join(
            str(value)
            for name in names
            for row in connection.execute(sa.text(f'TABLE "{name}"'))
            for value in row
        )


def test_an_outage_is_said_in_one_line_and_runs_go_on_after_it_with_the_history_in_postgres(
    corpus, configured, server, capsys
) -> None:
    assert main(["run", str(corpus), "--home", str(configured)]) == 0
    with open_instance(Home(configured)) as instance:
        assert instance.get_runs_count() == 2
    assert list(configured.rglob("*.db")) == []
    server.stop()
    (corpus / "letter.txt").write_text("A letter that came after the server was started again.\n")
    capsys.readouterr()
    assert main(["run", str(corpus), "--home", str(configured)]) == 2
    (said,) = (line for line in capsys.readouterr().err.splitlines() if "orchestrate:" in line)
    assert "start its database" in said and "secret-word" not in said
    server.start()
    assert main(["run", str(corpus), "--home", str(configured)]) == 0
    with open_instance(Home(configured)) as instance:
        assert instance.get_runs_count() == 4


def test_what_events_quote_is_replaced_and_every_event_can_still_be_read(
    configured, server
) -> None:
    home, key = Home(configured), dg.AssetKey("a_table")
    with open_instance(home) as instance:
        for words in ("| 1 | sold by Ermintrude |", "| 2 | nothing of hers |"):
            preview = {"preview": dg.MetadataValue.md(words), "rows": 1}
            instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata=preview))
    assert "Ermintrude" in texts(server)
    assert quotes_in_servers(home, lambda text: "Ermintrude" in text) >= 1
    assert forget_in_history(home, lambda text: "Ermintrude" in text) >= 1
    assert quotes_in_servers(home, lambda text: "Ermintrude" in text) == 0
    held = texts(server)
    assert "Ermintrude" not in held and "nothing of hers" in held
    with open_instance(home) as instance:
        records = instance.fetch_materializations(key, limit=9).records
        shown = {r.asset_materialization.metadata["preview"].value for r in records}
    assert shown == {"removed on request", "| 2 | nothing of hers |"}
