"""Dagster's history in a real PostgreSQL server: runs, restarts, an outage, and forgetting."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy as sa

from orchestration_assets.__main__ import main
from orchestration_assets.command.instance import open_instance
from resources.home import Home
from tests.servers import Postgres, postgres_server

pytestmark = pytest.mark.skipif(
    find_spec("dagster_postgres") is None, reason="needs the extra postgres"
)

LETTER = ("ermintrude", "fotheringay", "wimbleforth", "osnabrugge")
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


def test_runs_restarts_and_forgetting_with_the_history_in_postgres(
    corpus, configured, server, capsys
) -> None:
    assert main(["run", str(corpus), "--home", str(configured)]) == 0
    with open_instance(Home(configured)) as instance:
        assert instance.get_runs_count() == 2
    assert list(configured.rglob("*.db")) == []
    # a restarted server goes on, and what is new is processed
    server.stop()
    server.start()
    (corpus / "letter.txt").write_text(
        "Ermintrude Fotheringay-Quibbler sold the Wimbleforth lighthouse to a baker of Osnabrugge."
    )
    assert main(["run", str(corpus), "--home", str(configured)]) == 0
    assert any(word in texts(server).casefold() for word in LETTER)
    capsys.readouterr()
    assert main(["forget", "letter.txt", "--yes", "--home", str(configured)]) == 0
    assert "none holds any" in capsys.readouterr().out
    held = texts(server)
    assert not any(word in held.casefold() for word in LETTER) and "docs/guide.md" in held
    with open_instance(Home(configured)) as instance:
        runs = instance.get_runs()
        assert len(runs) == 4
        # every event can still be read
        assert all(instance.all_logs(run.run_id) for run in runs)


def test_a_server_that_is_away_is_said_in_one_line_without_its_password(
    corpus, configured, server, capsys
) -> None:
    server.stop()
    assert main(["run", str(corpus), "--home", str(configured)]) == 2
    (said,) = (line for line in capsys.readouterr().err.splitlines() if "orchestrate:" in line)
    assert "start its database" in said and "secret-word" not in said
    server.start()
    assert main(["run", str(corpus), "--home", str(configured)]) == 0
