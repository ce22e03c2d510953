"""Three hundred mutated policies: each is valid, or one list of problems in one line each."""

import contextlib
import io
from pathlib import Path

import pytest

from benchmarks._policy_mutations import BASE, COMPOSED, KINDS, MutatedPolicy, mutated_policies
from orchestration_assets.__main__ import main
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.problems import MAX_PROBLEMS, PolicyError

COUNT = 300
PARTS = 6


def put(folder: Path, mutated: MutatedPolicy) -> Path:
    for name, text in mutated.texts.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    return folder / "policy.yaml"


def test_what_is_mutated_is_valid_and_every_kind_comes_up(tmp_path) -> None:
    untouched = MutatedPolicy((), {"policy.yaml": COMPOSED, "base.yaml": BASE})
    path = put(tmp_path, untouched)
    assert load_policy(path, "", {}).policy.execution.budget_usd == 5.0
    assert load_policy(path, "production", {}).policy.execution.budget_usd is None
    assert {kind for one in mutated_policies(COUNT) for kind in one.kinds} == set(KINDS)


def test_the_same_seed_makes_the_same_policies() -> None:
    assert list(mutated_policies(20, 3)) == list(mutated_policies(20, 3))


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(PARTS))
def test_every_mutated_policy_is_valid_or_one_list_of_problems(tmp_path, part) -> None:
    for number, mutated in enumerate(mutated_policies(COUNT)):
        if number % PARTS != part:
            continue
        path = put(tmp_path, mutated)
        for environment in ("", "production"):
            try:
                load_policy(path, environment, {})
            except PolicyError as error:
                assert 0 < len(error.problems) <= MAX_PROBLEMS + 1, number
                for problem in error.problems:
                    assert problem.message, (number, mutated.kinds)
                    assert str(problem).isprintable(), (number, mutated.kinds, str(problem))
                    assert len(str(problem)) < 3_000, (number, mutated.kinds)
            except Exception as error:
                raise AssertionError(f"policy {number}, mutated by {mutated.kinds}") from error


@pytest.mark.fuzz
def test_the_command_says_what_is_wrong_with_one_of_every_kind(tmp_path) -> None:
    """In lines that begin with the file's name, with exit code 2, and without a traceback."""
    left = set(KINDS)
    for mutated in mutated_policies(COUNT):
        if not left & set(mutated.kinds):
            continue
        left -= set(mutated.kinds)
        path = put(tmp_path, mutated)
        for action in (["check"], ["show", "--explain"], ["show"]):
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(["policy", action[0], str(path), *action[1:]])
            assert code in (0, 2)
            said = err.getvalue()
            assert "Traceback" not in said
            if code:
                starts = (f"{path}", "orchestrate: policy", "note: ")
                assert all(line.startswith(starts) for line in said.splitlines())
    assert not left
