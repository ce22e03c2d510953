"""Pages of what is known beyond items: they go on without what is damaged, and compare policies."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from orchestration_assets.explorer.condition_words import condition_in_plain_words
from orchestration_assets.policy.hashes import canonical_hash
from orchestration_assets.policy.rollout_state import ROLLOUT, RolloutState
from orchestration_assets.schemas.disagreement import CALIBRATION, SERVICE_SCORECARDS
from resources.versioned_state import ChangeNote
from tests.explorer.serving import Served


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("kind eq contract", "kind is contract"),
        ("asked is eq contract", "asked is contract"),
        ("kind eq contract, risk lt 0.1", "kind is contract, and its risk is below 0.1"),
        ("kind in a, b; pages ge 3", "kind is one of a, b; and pages is at least 3"),
        ("kind contains eq", "kind holds eq"),
    ],
)
def test_conditions_are_told_without_operators(condition: str, words: str) -> None:
    assert condition_in_plain_words(condition) == words


def test_a_damaged_table_is_named_and_the_page_goes_on(desk: Served) -> None:
    tables, visitor = desk.site.home.tables, desk.browser().named("Ada")
    for page in ("/services", "/review/lessons"):
        assert "Left out" not in visitor.get(page).text
    tables.path(CALIBRATION.name).write_bytes(b"PAR1 and no more")
    for page in ("/services", "/review/lessons"):
        answer = visitor.get(page)
        assert answer.status_code == 200
        assert "Left out" in answer.text
        assert "calibration.parquet" in answer.text
    tables.path(SERVICE_SCORECARDS.name).write_bytes(b"PAR1 and no more")
    answer = visitor.get("/services")
    assert answer.status_code == 404
    assert "service_scorecards.parquet" in answer.text


def test_two_policies_are_compared_and_the_roll_out_is_told(desk: Served) -> None:
    home, visitor = desk.site.home, desk.browser()
    (kept,) = [one for one in home.policies.glob("*.json") if len(one.stem) == 16]
    plain = json.loads(kept.read_text())
    plain["execution"]["items_in_flight"] = 7
    other = canonical_hash(plain)
    (home.policies / f"{other}.json").write_text(json.dumps(plain))
    page = visitor.get(f"/policies?before={kept.stem}&after={other}").text
    assert f"From <code>{kept.stem}</code> to <code>{other}</code>" in page
    assert "7" in page.partition("From <code>")[2].partition("</section>")[0]
    assert "Both say the same" in visitor.get(f"/policies?before={other}&after={other}").text
    assert "cannot be read" in visitor.get(f"/policies?before={other}&after={'0' * 16}").text
    for bad in ("../../etc/passwd", "", "x" * 16):
        assert visitor.get("/policies", params={"before": bad, "after": other}).status_code == 400
    assert "is on trial against" not in page
    begun = asdict(RolloutState("r", kept.stem, other, reason="begun <b>now</b>"))
    home.state(ROLLOUT).update(lambda _: begun, ChangeNote("Ada", datetime.now(UTC), "tried"))
    page = visitor.get("/policies").text
    assert "is on trial against" in page
    assert "begun &lt;b&gt;now" in page


def test_an_address_of_no_page_has_a_way_back(shown: Served) -> None:
    answer = shown.browser().get("/no/such/page")
    assert answer.status_code == 404
    assert '<a href="/">Home</a>' in answer.text
