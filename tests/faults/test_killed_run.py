"""kill -9 of the run at ten moments, each known by what the run has just written or asked.

Five of them where the tests are not exhaustive.
"""

from dataclasses import replace

import pytest

from orchestration_assets.command.corpus_reports import reports_are_due
from orchestration_assets.content.intake import unfinished
from resources.ai_services.drill.faults import FaultScript
from resources.home import Home
from tests.faults.conftest import AT_ONCE, KNOWN, Place
from tests.fuzzing import EXHAUSTIVE

pytestmark = pytest.mark.slow

ASKED = "asked"
# what a run leaves behind, in its order: it is killed as soon as it is there
MOMENTS = (
    "batches/*.parquet",
    "cache/content/data.mdb",
    "tables/content_profiles/*.parquet",
    "tables/processing_plans/*.parquet",
    ASKED,
    "cache/answers/data.mdb",
    "tables/resolutions/*.parquet",
    "tables/review_queue/*.parquet",
    "tables/disagreement_report/*.parquet",
    "tables/content_ledger/*.parquet",
)
if not EXHAUSTIVE:
    MOMENTS = MOMENTS[1::2]
NEW = 6


def seen(place: Place, moment: str) -> set[tuple[str, int, int]]:
    """What of a moment has happened: the files that it is known by, in each of their states."""
    if moment == ASKED:
        return {(call.key, call.number, 0) for call in place.calls}
    states = set()
    for path in place.home.glob(moment):
        stat = path.stat()
        states.add((str(path), stat.st_ino, stat.st_mtime_ns))
    return states


def of_contents(place: Place, table: str) -> list[dict]:
    """The rows of a table by content: items of the prepared home are of another source."""
    rows = [{**row, "item_id": row["content_hash"]} for row in place.rows(table)]
    return sorted(rows, key=lambda row: (row["item_id"], row.get("service", "")))


def test_kills_lose_nothing_and_ask_nothing_twice(place) -> None:
    """The rerun of each killed run is the next that is killed; new content comes in between."""
    place.server.script = FaultScript(median_ms=5)
    written = 0
    kept: list[tuple[int, set[str]]] = []
    for moment in MOMENTS:
        # a batch that is left is gone on with; when none is, there is something new
        if not unfinished(Home(place.home)):
            place.add(NEW)
            written += NEW
        before = seen(place, moment)
        command = place.run()
        command.until(lambda m=moment, b=before: seen(place, m) - b, moment)
        command.kill()
        answers = Home(place.home).answers.get_many(call.key for call in place.calls)
        kept.append((len(place.calls), set(answers)))
    place.finishes()
    assert not reports_are_due(Home(place.home))
    asked = [call.key for call in place.calls]
    assert len(set(asked)) == written
    for count, answers in kept:
        assert not answers & set(asked[count:]), "an answer that was kept was asked for again"
    # a call that was under way at a kill is lost: at most as many as the service takes at once
    assert len(asked) - len(set(asked)) <= len(MOMENTS) * AT_ONCE
    whole = replace(place, root=place.root / "whole")
    whole.root.mkdir()
    assert place.run(home=whole.home).end() == 0
    assert len(place.rows("resolutions")) == KNOWN + written
    # resolutions may weigh services by what earlier batches have shown; what they rest on is equal
    for table in ("parallel_interpretations", "content_profiles"):
        assert of_contents(place, table) == of_contents(whole, table)
