"""Dagster's history without what it quotes of a content: previews of tables, and messages.

The history stays: only the texts in its events that quote the content are replaced.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
import yaml
from sqlalchemy.exc import SQLAlchemyError

from orchestration_assets.command.instance_paths import instance_folder
from orchestration_assets.content.forgotten_files import without_lines
from orchestration_assets.schemas.errors import OrchestrationError
from resources.home import Home
from resources.table_store import write_atomically

REMOVED: Final = "removed on request"
_PORTION: Final = 200

IsAbout = Callable[[str], bool]


class HistoryError(OrchestrationError):
    """Dagster's database cannot be rewritten; the message says which, and the remedy."""


def forget_in_history(home: Home, is_about: IsAbout) -> int:
    """Replaces what the instance's databases and logs quote; how many texts.

    Raises HistoryError.
    """
    count = 0
    for engine in _engines(home):
        with _errors(engine):
            replaced = _scrub(engine, is_about)
            if replaced:
                _compact(engine)
            count += replaced
    for path in _logs(home):
        left, lines = without_lines(path.read_bytes(), is_about)
        if lines:
            write_atomically(path, left)
            count += lines
    return count


def quotes_in_servers(home: Home, is_about: IsAbout) -> int:
    """Texts that quote it in a database that is no file of the instance. Raises HistoryError."""
    count = 0
    for engine in _engines(home):
        if engine.dialect.name != "sqlite":
            with _errors(engine):
                count += sum(len(_about(engine, *place, is_about)) for place in _columns(engine))
    return count


def _engines(home: Home) -> Iterator[sa.Engine]:
    folder = instance_folder(home)
    files = sorted(folder.glob("history/**/*.db")) + sorted(folder.glob("schedules/*.db"))
    addresses = [sa.URL.create("sqlite", database=str(file)) for file in files]
    for address in (*addresses, *_servers(home, folder)):
        engine = sa.create_engine(address)
        try:
            yield engine
        finally:
            engine.dispose()


def _servers(home: Home, folder: Path) -> set[sa.URL]:
    """The database server that the instance is configured for, where it is."""
    try:
        config = yaml.safe_load((folder / "dagster.yaml").read_bytes())
    except FileNotFoundError:
        return set()
    if not isinstance(config, dict) or not {"storage", "event_log_storage"} & config.keys():
        return set()
    from orchestration_assets.command.instance import open_instance

    with open_instance(home) as instance:
        address = getattr(instance.event_log_storage, "postgres_url", None)
    return {sa.make_url(address)} if address else set()


def _columns(engine: sa.Engine) -> Iterator[tuple[str, str]]:
    """Every column of text, by table."""
    inspector = sa.inspect(engine)
    for table in inspector.get_table_names():
        for column in inspector.get_columns(table):
            if isinstance(column["type"], sa.String):
                yield table, str(column["name"])


def _scrub(engine: sa.Engine, is_about: IsAbout) -> int:
    count = 0
    for table, column in _columns(engine):
        place = sa.table(table, sa.column(column))
        for text in _about(engine, table, column, is_about):
            with engine.begin() as connection:
                update = sa.update(place).where(place.c[column] == text)
                connection.execute(update.values({column: without_quotes(text, is_about)}))
            count += 1
    return count


def _about(engine: sa.Engine, table: str, column: str, is_about: IsAbout) -> list[str]:
    """The different texts of a column that quote it."""
    place = sa.table(table, sa.column(column))
    with engine.connect() as connection:
        options = connection.execution_options(stream_results=True, max_row_buffer=_PORTION)
        rows = options.execute(sa.select(place.c[column]).where(place.c[column].is_not(None)))
        return sorted({str(text) for (text,) in rows if is_about(str(text))})


def without_quotes(text: str, is_about: IsAbout) -> str:
    """The text with a notice in the place of what quotes: of JSON, of each such value in it."""
    try:
        value = json.loads(text)
    except ValueError:
        return REMOVED
    if not isinstance(value, dict | list):
        return REMOVED
    return json.dumps(_without(value, is_about))


def _without(value: Any, is_about: IsAbout) -> Any:
    if isinstance(value, dict):
        return {name: _without(held, is_about) for name, held in value.items()}
    if isinstance(value, list):
        return [_without(held, is_about) for held in value]
    return REMOVED if isinstance(value, str) and is_about(value) else value


def _compact(engine: sa.Engine) -> None:
    """Writes the tables anew: what was replaced stays on disk until then."""
    server = engine.dialect.name != "sqlite"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM FULL" if server else "VACUUM"))
        if not server:
            connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))


def _logs(home: Home) -> Iterator[Path]:
    for path in sorted((instance_folder(home) / "storage").rglob("compute_logs/*")):
        if path.is_file():
            yield path


@contextmanager
def _errors(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        where = engine.url.render_as_string(hide_password=True)
        raise HistoryError(
            f"{where}: cannot be rewritten ({cause}); stop what uses it, and run the same command "
            "again"
        ) from error
