"""The examples of the gallery yield the reports that they are shown with."""

import json

import pytest
import yaml

from orchestration_assets.policy.load import load_policy
from tests.docs.gallery import EXAMPLES, GALLERY, carry_out, outcome, sources

ITEMS = 10


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_yields_what_it_is_shown_with(example, tmp_path) -> None:
    found = outcome(carry_out(example, tmp_path))
    expected = json.loads((GALLERY / example / "expected.json").read_text("utf-8"))
    # as JSON has it: what was read is compared with what is read
    assert json.loads(json.dumps(found)) == expected
    assert expected["disputed"] or example == "logs"
    assert len(expected["answers"]) >= ITEMS


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_policy_of_an_example_says_what_it_is_for(example) -> None:
    text = (GALLERY / example / "policy.yaml").read_text("utf-8")
    assert load_policy(GALLERY / example / "policy.yaml").policy.tasks
    assert text.startswith("# ")
    assert "  #" in text or "\n#" in text
    assert all(path.is_dir() for path in sources(example))


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_in_the_list(example) -> None:
    listed = (GALLERY / "README.md").read_text("utf-8")
    assert f"]({example}/policy.yaml)" in listed
    assert yaml.safe_load((GALLERY / example / "answers.yaml").read_text("utf-8"))["replies"]
