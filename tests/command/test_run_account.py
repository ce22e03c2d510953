"""What counts against the budget of a run: accounts that go on, and those of new batches."""

import math

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.command.batch_execution import ExecutedBatches, RunFailedError
from orchestration_assets.command.run_account import RunAccounts, left_of_budget, open_accounts
from orchestration_assets.content import batch_completion
from orchestration_assets.content.deferred import DeferredBatch
from orchestration_assets.policy.load import load_policy
from orchestration_assets.processing.batch import batch_budget
from resources.ai_services.resilience.spend_budget import SpendBudget
from resources.home import Home
from resources.spending.records import Part
from resources.spending.writer import SpendingPurpose, SpendingWriter
from tests.ai_services.http.samples import chat
from tests.command.test_deferred import POLICY

PAID = {"s": chat("http://127.0.0.1:1/v1", price={"call_usd": 0.01})}


@pytest.fixture
def place(tmp_path) -> Home:
    return Home(tmp_path)


def spend(home: Home, batch: str, usd: float, batch_pass: str = "", account: str = "") -> None:
    purpose = SpendingPurpose("batch", batch, batch_pass, account)
    with SpendingWriter(home.spending.folder, purpose) as writer:
        number = writer.reserve("s", "m", (Part("t", 1.0, ("i",)),), usd, usd)
        writer.settle(number, usd, estimated=False, tokens_in=1, tokens_out=1, status="ok")


def left(accounts: RunAccounts, batch: str, sizes: dict[str, int]) -> float:
    with accounts.limited_to_share(batch, sizes):
        return accounts.budget.left_usd


def test_new_batches_do_not_pay_for_an_old_one_whose_question_is_deferred(place) -> None:
    open_accounts(place, PAID, ["old"], 1.0)
    spend(place, "old", 0.95)
    for day in range(3):
        accounts = open_accounts(place, PAID, ["old", f"new{day}"], 1.0)
        assert left(accounts, f"new{day}", {f"new{day}": 5}) == pytest.approx(1.0)
        assert left(accounts, "old", {"old": 5, f"new{day}": 5}) == pytest.approx(0.05)
    assert left_of_budget(place, ["old"], 1.0, has_new=False) == pytest.approx(0.05)
    assert left_of_budget(place, ["old"], 1.0, has_new=True) == 1.0


def test_runs_over_the_same_batches_at_once_share_one_budget(place) -> None:
    sizes = {"a": 1, "b": 1}
    first = open_accounts(place, PAID, ["a", "b"], 1.0)
    second = open_accounts(place, PAID, ["a", "b"], 1.0)
    share = left(first, "a", sizes)
    spend(place, "a", 0.4)  # by the first, while the second does the other
    other = left(second, "b", sizes)
    assert share + other <= 1.0
    assert left(second, "b", {"b": 1}) == pytest.approx(0.6)


def test_a_budget_stands_until_another_is_given_and_what_is_done_anew_has_it_whole(place) -> None:
    open_accounts(place, PAID, ["a"], 1.0)
    spend(place, "a", 0.75)
    assert left(open_accounts(place, PAID, ["a"], None), "a", {"a": 1}) == pytest.approx(0.25)
    assert left(open_accounts(place, PAID, ["a"], 2.0), "a", {"a": 1}) == pytest.approx(1.25)
    place.spending.begin_pass("a", "second")
    assert left(open_accounts(place, PAID, ["a"], 2.0, ["a"]), "a", {"a": 1}) == 2.0


def test_an_account_is_closed_once_all_its_batches_are_done(place) -> None:
    accounts = open_accounts(place, PAID, ["a", "b"], 1.0)
    spend(place, "a", 0.75)
    accounts.close_finished({"a"}.__contains__)
    assert left(accounts, "b", {"b": 1}) == pytest.approx(0.25)
    accounts.close_finished({"a", "b"}.__contains__)
    assert not place.spending.marks().open_accounts
    assert left(open_accounts(place, PAID, ["b"], None), "b", {"b": 1}) == math.inf


def test_a_take_up_by_the_sensor_counts_against_the_account_of_its_batch(place, tmp_path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.format(url="http://127.0.0.1:1/v1", services="model", more=""))
    policy = load_policy(path).policy
    open_accounts(place, policy.services, ["a", "b"], 1.0)
    spend(place, "a", 0.8)
    # both batches may be taken up at once
    for batch in ("a", "b"):
        budget, writer = batch_budget(policy, place, batch, SpendBudget())
        assert budget.left_usd == pytest.approx(0.1)
        writer.close()
    place.spending.begin_pass("a")
    assert batch_budget(policy, place, "a", SpendBudget())[0].left_usd == pytest.approx(0.5)
    assert batch_budget(policy, place, "c", SpendBudget())[0].left_usd == math.inf


@pytest.mark.parametrize("deferred", [0, 3])
def test_what_is_done_again_on_purpose_is_a_pass_of_its_own(place, monkeypatch, deferred) -> None:
    batches = [DeferredBatch("a", deferred, "hash")] if deferred else []
    monkeypatch.setattr(batch_completion, "deferred_batches", lambda home, names: batches)
    report = place.tables.path("disagreement_report", "a")
    report.parent.mkdir(parents=True)
    report.write_bytes(b"a report")
    begun = batch_completion.spending_pass(place, "a", anew=True)
    assert begun
    # killed before or after its report was taken away, it goes on in its pass
    assert batch_completion.spending_pass(place, "a", anew=True) == begun
    place.tables.forget("disagreement_report", "a")
    assert batch_completion.spending_pass(place, "a") == begun


def test_batches_that_others_finished_keep_no_share_of_the_budget(
    place, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("DRILL_KEY", "a-key-for-the-drill")
    policy, source, home = tmp_path / "policy.yaml", tmp_path / "source", Home(tmp_path / "home")
    text = POLICY.format(url="http://127.0.0.1:1/v1", services="model", more="")
    policy.write_text(text + "content: {batch: {max_items: 1}}\n")
    source.mkdir()
    for n in range(3):
        (source / f"note{n}.md").write_text(f"# Note {n}\n\nThe lighthouse has {n} steps.\n")
    budgets, lefts = [], []

    def opened(*arguments) -> RunAccounts:
        accounts = open_accounts(*arguments)
        budgets.append(accounts.budget)
        return accounts

    def execute(definitions, instance, job: str, batch: str | None, running) -> None:
        if batch is not None:
            lefts.append(budgets[-1].left_usd)
            report = home.tables.path("disagreement_report", home.batches.recorded()[1])
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_bytes(b"made by another process")
        raise RunFailedError("stopped here")

    monkeypatch.setattr("orchestration_assets.command.run.open_accounts", opened)
    for module in ("run", "run_work"):
        monkeypatch.setattr(f"orchestration_assets.command.{module}.execute_job", execute)
    places = ("--home", str(home.folder), "--policy", str(policy))
    assert main(["run", str(source), *places, "--budget-usd", "0.9"]) == 1
    assert lefts == [pytest.approx(0.3), pytest.approx(0.9)]


def test_a_batch_that_is_carried_out_twice_in_a_run_is_named_once() -> None:
    carried = ExecutedBatches(["a"], ["b", "c"])
    carried.add(ExecutedBatches(["a", "b"], ["a", "c", "d"]))
    assert (carried.done, carried.elsewhere) == (["a", "b"], ["c", "d"])
