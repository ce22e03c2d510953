"""A roll-out as a user sees it: lines of the run, status, the page, the way back by hand."""

from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.policy.rollout_state import current_state
from resources.ai_services.drill.faults import Fault, FaultScript
from resources.home import Home
from tests.graph.test_rollout import POLICY

pytestmark = pytest.mark.slow


def texts(folder: Path, first: int, last: int) -> str:
    folder.mkdir(exist_ok=True)
    for number in range(first, last):
        (folder / f"{number:04d}.txt").write_text(f"The river was quiet on day {number}.\n")
    return str(folder)


def test_a_brown_out_from_the_command_line_to_the_page(tmp_path, drill, capsys) -> None:
    home, source = tmp_path / "home", tmp_path / "texts"
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    values = {"url": drill.url, "budget": 100.0}
    old.write_text(POLICY.format(rollout="", model="old", **values))
    tried = "rollout: {share: 0.5, look_every: 5}"
    new.write_text(POLICY.format(rollout=tried, model="new", **values))

    def orchestrate(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--home", str(home)])
        return code, *capsys.readouterr()

    assert orchestrate("rollout", "status")[1].startswith("no policy is tried in this home")
    assert orchestrate("run", texts(source, 0, 3), "--policy", str(old))[0] == 0
    fault = Fault(kind="error", contains="by new", end=10**6)
    drill.script = FaultScript(faults=(fault,))
    code, said, _ = orchestrate("run", texts(source, 3, 83), "--policy", str(new))
    # what was undone is nobody's failure
    assert code == 0
    assert "answers       resolved 80" in said
    assert "on 50% of the items: roll back, errors beyond the limit" in said
    assert "items undone" in said
    state = current_state(Home(home))
    said = orchestrate("rollout", "status")[1]
    assert "rolled_back: errors beyond the limit" in said
    assert "[50%] -> 100%" in said
    batch = max(Home(home).tables.batches("rollout_decisions"))
    page = (home / "reports" / f"{batch}.html").read_text()
    assert "The policy on trial" in page and "It was rolled back" in page
    # the policy that was rolled back is not followed, and that is said
    asked = len(drill.log)
    code, said, noted = orchestrate("run", texts(source, 83, 86), "--policy", str(new))
    assert (code, {one.model for one in drill.log[asked:]}) == (0, {"old"})
    assert "its roll-out was rolled back" in noted and "roll-out" not in said
    code, _, refused = orchestrate("rollout", "promote")
    assert code == 2 and "the last trial has ended" in refused
    # what a policy on trial said is forgotten with the item, and the page drawn again
    row = next(
        row for row in Home(home).tables.read("rollout_answers", batch).to_pylist() if row["asked"]
    )
    code, said, _ = orchestrate("forget", row["path"], "--yes")
    assert code == 0, said
    left = Home(home).tables.read("rollout_answers", batch)["item_id"].to_pylist()
    assert left and row["item_id"] not in left
    assert "The policy on trial" in (home / "reports" / f"{batch}.html").read_text()
    # tried again, now that it works: on other items, without the evidence of before
    drill.script = FaultScript()
    assert "running: begun" in orchestrate("rollout", "restart")[1]
    assert current_state(Home(home)).rollout != state.rollout
    said = orchestrate("rollout", "promote", "--because", "it was the network")[1]
    assert "promoted by" in said and "it was the network" in said
    asked = len(drill.log)
    assert orchestrate("run", texts(source, 86, 89), "--policy", str(new))[0] == 0
    assert {one.model for one in drill.log[asked:]} == {"new"}
