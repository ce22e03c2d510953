"""Dagster's history in a real PostgreSQL server: runs, restarts, an outage, and forgetting."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

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


@pytest.fixture(scope="module")
def one_server() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def server(one_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    """With an empty database."""
    engine = sa.create_engine(one_server.url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    monkeypatch.setenv("HISTORY_URL", one_server.url)
    return one_server


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


def sessions(server: Postgres) -> int:
    """How many connections there have been since the statistics were reset."""
    engine = sa.create_engine(server.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    asked = "SELECT sessions FROM pg_stat_database WHERE datname = 'dagster'"
    with engine.connect() as connection:
        return int(connection.execute(sa.text(asked)).scalar_one())


def report(instance: dg.DagsterInstance, name: str) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(dg.AssetKey(name)))


def reported(instance: dg.DagsterInstance, name: str) -> int:
    return len(instance.fetch_materializations(dg.AssetKey(name), limit=9).records)


def test_connections_stay_open_over_a_restart_and_a_copy_of_the_process_opens_its_own(
    configured, server
) -> None:
    with open_instance(Home(configured)) as instance:
        report(instance, "one")
        before = sessions(server)
        for _ in range(20):
            instance.get_runs_count()
            report(instance, "many")
        # statistics of a session are counted when it begins; one is that of the question itself
        assert sessions(server) - before <= 3
        child = os.fork()
        if not child:
            report(instance, "one")
            os._exit(0 if reported(instance, "one") == 2 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        report(instance, "one")
        server.stop()
        server.start()
        report(instance, "one")
        assert reported(instance, "one") == 4
        instance.add_dynamic_partitions("batches", ["a"])
        assert instance.has_dynamic_partition("batches", "a")
        instance.delete_dynamic_partition("batches", "a")
        assert not instance.has_dynamic_partition("batches", "a")
    with dg.DagsterInstance.from_config(str(configured / "dagster")) as stock:
        assert not isinstance(stock.event_log_storage, type(instance.event_log_storage))
        assert reported(stock, "one") == 4
    with dg.DagsterInstance.from_ref(instance.get_ref()) as same:
        assert isinstance(same.event_log_storage, type(instance.event_log_storage))


def test_tables_are_asked_for_again_where_the_server_does_not_answer_at_once(
    configured, monkeypatch
) -> None:
    with open_instance(Home(configured)) as instance:
        storage = instance.event_log_storage
        connect, tried = storage._engine.connect, []

        def at_second_try():
            tried.append(1)
            if len(tried) == 1:
                raise sa.exc.OperationalError("SELECT 1", {}, Exception("starting up"))
            return connect()

        monkeypatch.setattr(storage._engine, "connect", at_second_try)
        assert not storage.has_table("no_such_table") and len(tried) == 2


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
