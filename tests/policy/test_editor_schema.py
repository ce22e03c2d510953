"""The JSON Schema that editors complete policies from: right about examples, and nothing blank."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from orchestration_assets.policy.editor_schema import EDITOR_LINE, editor_schema
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.features import FEATURES
from orchestration_assets.services.registry import EMBEDDED
from tests.docs.pages import PAGES, blocks
from tests.policy.hostile import RICH

SCHEMA = editor_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
SMALL = """
version: 2
services: {s: {implementation: stopwords}}
tasks: {t: {question: q, default: {model: sequential, services: [s]}}}
"""


def complaints(text: str) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in _leaves(text)]


def _leaves(text: str) -> Iterator[Any]:
    waiting = list(VALIDATOR.iter_errors(yaml.safe_load(text)))
    for error in waiting:
        yield error
        waiting += error.context or []


def test_it_is_a_schema() -> None:
    VALIDATOR.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "block",
    [block for page in PAGES for block in blocks(page) if block.language == "yaml"],
    ids=str,
)
def test_it_accepts_what_the_pages_show(block) -> None:
    text = block.text if "version:" in block.text else f"version: 2\n{block.text}"
    # its tag is for a later step: what stands behind it counts here
    text = text.replace("!template ", "").replace("!replace ", "").replace("!remove", "")
    if "add-" not in block.page:
        assert not complaints(text)


def test_it_accepts_what_the_project_ships_and_shows() -> None:
    packaged = (files("orchestration_assets.policy") / "default.yaml").read_text("utf-8")
    drill = (files("resources.ai_services.drill") / "policy.yaml").read_text("utf-8")
    for text in (packaged, drill, RICH, yaml.safe_dump(load_policy().policy.canonical())):
        assert not complaints(text)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("stopwords", "stopword", "'stopword' is not one of"),
        ("question: q", "question: q, qestion: r", "'qestion' was unexpected"),
        ("question: q", "question: q, kind: lable", "'lable' is not one of"),
        ("question: q", "question: q, applies_to: {word_cuont: 1}", "'word_cuont' does not match"),
        ("question: q, ", "", "'question' is a required property"),
        ("version: 2", "version: 1", "2 was expected"),
        ("stopwords", "stopwords, parameters: {nosuch: 1}", "'nosuch' was unexpected"),
    ],
)
def test_it_marks_what_is_wrong(before, after, words) -> None:
    assert not complaints(SMALL)
    assert any(words in one for one in complaints(SMALL.replace(before, after))), complaints(
        SMALL.replace(before, after)
    )


def test_a_file_that_is_a_part_need_not_be_complete() -> None:
    assert not complaints("version: 2\ntasks: {t: {disagree_at: 0.5}}\n")
    assert not complaints("version: 2\nextends: [base.yaml]\nservices: {}\ntasks: {}\n")
    assert complaints("version: 2\nservices: {}\ntasks: {}\n")
    assert complaints("version: 2\ntasks: {t: {disagree_at: 5}}\n")


def test_an_environment_is_completed_like_the_rest() -> None:
    inside = "environments: {production: {execution: {%s}}}\n"
    assert not complaints(SMALL + inside % "budget_usd: 5")
    assert complaints(SMALL + inside % "budget_euros: 5")


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def test_every_key_is_described_and_every_example_is_valid() -> None:
    definitions = SCHEMA["$defs"]
    for name, node in definitions.items():
        for key, field in node.get("properties", {}).items():
            # what parameters hold themselves is described by their model
            if "." not in name:
                assert field.get("description"), f"{name}.{key}"
            one = Draft202012Validator({**field, "$defs": definitions})
            for example in field.get("examples", ()):
                assert not [str(error.message) for error in one.iter_errors(example)], (name, key)


def test_names_that_people_choose_from_are_listed() -> None:
    definitions = SCHEMA["$defs"]
    implementation = definitions["EmbeddedConfig"]["properties"]["implementation"]
    assert implementation["enum"] == list(EMBEDDED)
    assert all(implementation["markdownEnumDescriptions"])
    assert definitions["Rule"]["properties"]["when"]["properties"].keys() == {
        feature.name for feature in FEATURES
    }


def test_every_reference_leads_somewhere() -> None:
    for node in _nodes(SCHEMA):
        if isinstance(node.get("$ref"), str):
            assert node["$ref"].removeprefix("#/$defs/") in SCHEMA["$defs"]


def test_every_complete_example_names_the_schema() -> None:
    shown = [
        block
        for page in PAGES
        for block in blocks(page)
        # the first page is as short as it can be
        if block.language == "yaml" and "part" not in block.marks and page.name != "README.md"
    ]
    assert len(shown) > 8
    assert not [str(block) for block in shown if EDITOR_LINE not in block.text.splitlines()[:2]]
