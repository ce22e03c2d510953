"""One plain home for all code, and the Dagster resource that makes it for a run."""

import pickle
from pathlib import Path

import dagster as dg

from resources.claims import is_claimed
from resources.home import Home
from resources.home_resource import HomeResource
from resources.run_claims import CLAIM_TAG, CORPUS, RunClaim
from resources.run_locks import is_running


def test_a_run_uses_the_home_that_its_config_names_under_its_lock_and_claim(tmp_path) -> None:
    seen = {}

    @dg.asset
    def uses_home(context: dg.AssetExecutionContext, home: dg.ResourceParam[Home]) -> None:
        held = is_running(home.running, context.run.run_id) and is_claimed(home.folder, CORPUS)
        seen[context.run.run_id] = (home, held)

    result = dg.materialize(
        [uses_home],
        resources={"home": HomeResource(path=str(tmp_path / "configured"))},
        run_config={"resources": {"home": {"config": {"path": str(tmp_path / "launched")}}}},
        tags={CLAIM_TAG: CORPUS},
    )
    home, held = seen[result.run_id]
    assert home == Home(tmp_path / "launched", RunClaim(CORPUS))
    assert held
    assert not is_running(home.running, result.run_id)
    assert not is_claimed(home.folder, CORPUS)


def test_a_relative_home_is_made_absolute(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = HomeResource(path="here").create_resource(dg.build_init_resource_context())
    assert home.folder == Path.cwd() / "here"


def test_a_home_travels_to_workers_and_makes_nothing_by_itself(tmp_path) -> None:
    home = pickle.loads(pickle.dumps(Home(tmp_path / "home")))
    assert home.tables.batches("resolutions") == home.batches.recorded() == []
    assert home.models.versions("model") == []
    assert not home.folder.exists()
