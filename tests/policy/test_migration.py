"""Files of version 1 still run, and are rewritten in place: round trips over every example."""

import ast
from pathlib import Path

import pytest

from orchestration_assets.policy.formats import RENAMED, upgraded_values
from orchestration_assets.policy.hashes import canonical_hash
from orchestration_assets.policy.load import LoadedPolicy, load_policy, parse_policy
from orchestration_assets.policy.migration import MigrationError, migrate
from orchestration_assets.policy.pinned_policy import read_pinned_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.schemas.policy import Policy
from tests.docs.pages import PAGES, ROOT, blocks

OLD = """\
# a policy, with a comment
version: 1   # the format

content:
    settle_seconds:   3     # seconds; url_variable is elsewhere
    "read_seconds": 7
    batch: {'wait_seconds': 1, max_items: 5}
features: {neighbour_seconds: 2}
execution: {tiers: {dask_from_seconds: null}}
disagreement: {nearby_seconds: 4}
feedback: {settle_seconds: 0}
alerts: {webhook: {url_variable: HOOK, timeout_seconds: 1}}   # ümläut \U0001f600
services:
    s: &shared   {implementation: stopwords}
    t:
        <<: *shared
tasks:
    l:
        question: "What of settle_seconds?"
        default: {model: sequential, services: [s]}
"""
NAMES = {name: path[-1] for path, name in RENAMED.items()}


def policies_in_tests() -> list[str]:
    """Every text in a test that is a policy by itself."""
    found = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                whole = "\nservices:" in text and "version: 2" in text
                # the first version has no environments
                if whole and "\nenvironments:" not in text and is_valid(text):
                    found.append(text)
    return found


def policies_in_docs() -> list[str]:
    texts = [
        block.text
        for page in PAGES
        for block in blocks(page)
        if block.language == "yaml" and "version: 2" in block.text
    ]
    for path in (
        "orchestration_assets/policy/default.yaml",
        "resources/ai_services/drill/policy.yaml",
    ):
        texts.append((ROOT / path).read_text("utf-8"))
    return [text for text in texts if is_valid(text)]


def is_valid(text: str) -> bool:
    try:
        parse_policy(text, "example")
    except PolicyError:
        return False
    return True


def as_version_1(text: str) -> str:
    """What the text was in version 1: every renamed key by its old name, line by line."""
    old = text.replace("version: 2", "version: 1", 1)
    for path, name in RENAMED.items():
        section, before = path[0], path[-1]
        lines, inside = [], False
        for line in old.split("\n"):
            inside = line.startswith(f"{section}:") or (inside and line[:1] in (" ", "#", ""))
            # rates and breakers wait, too, but below services
            lines.append(line.replace(f"{name}:", f"{before}:") if inside else line)
        old = "\n".join(lines)
    return old


def test_everything_but_what_changed_stays_byte_for_byte() -> None:
    done = migrate(OLD)
    expected = OLD
    for path, name in RENAMED.items():
        for quote in (":", "':", '":'):
            expected = expected.replace(path[-1] + quote, name + quote)
    assert done.text == expected.replace("version: 1", "version: 2")
    assert [str(change) for change in done.changes][:2] == [
        "line 2: version 1 is now 2",
        "line 5: settle_seconds is now settle_s",
    ]
    assert len(done.changes) == 1 + len(RENAMED)


def test_both_versions_say_the_same() -> None:
    old, new = parse_policy(OLD, "old"), parse_policy(migrate(OLD).text, "new")
    assert old.hash == new.hash
    assert old.policy.alerts.webhook.url_env == "HOOK"
    assert "orchestrate policy migrate old --write" in old.notes[0]
    assert not new.notes


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_line_ends_stay(newline) -> None:
    old = OLD.replace("\n", newline)
    assert migrate(old).text.replace(newline, "\n") == migrate(OLD).text


def test_what_is_of_the_present_version_stays_as_it_is() -> None:
    text = migrate(OLD).text
    assert migrate(text).text == text
    assert not migrate(text).changes


def _round_trip(text: str) -> LoadedPolicy:
    old = as_version_1(text)
    assert parse_policy(old, "old").notes
    assert migrate(old).text == text
    return parse_policy(old, "old")


def test_every_policy_of_the_pages_comes_back_equal() -> None:
    texts = policies_in_docs()
    assert len(texts) > 8
    for text in texts:
        assert _round_trip(text).hash == parse_policy(text, "new").hash


def test_every_policy_of_the_tests_comes_back_equal() -> None:
    texts = policies_in_tests()
    assert len(texts) > 10
    for text in texts:
        assert _round_trip(text).hash == parse_policy(text, "new").hash


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 3\n", "newer than this program"),
        ("version: 0\n", "no version of this format; known: 1, 2"),
        ("version: one\n", "no version of this format"),
        ("version: true\n", "no version of this format"),
        ("services: {}\n", "required and missing"),
        ("[1]\n", "mapping of sections"),
        ("version: [\n", "not valid YAML"),
        ('version: 1\ncontent: {"settle\\u005fseconds": 1}\n', "cannot be rewritten key by key"),
        ("version: &v 1\ncontent: {max_bytes: *v}\n", "perhaps because of anchors"),
    ],
)
def test_what_cannot_be_rewritten_is_said(text, words) -> None:
    with pytest.raises(MigrationError, match=words):
        migrate(text)


def test_a_key_under_both_names_is_told() -> None:
    text = OLD.replace("feedback: {", "feedback: {settle_s: 1, ")
    with pytest.raises(PolicyError, match=r"feedback\.settle_seconds, line 11: is given twice"):
        parse_policy(text, "old")


def test_a_problem_is_told_by_the_name_that_the_file_uses() -> None:
    with pytest.raises(PolicyError, match=r"content\.settle_seconds, line 5: ") as caught:
        parse_policy(OLD.replace("settle_seconds:   3", "settle_seconds:   -3"), "old")
    assert "settle_s:" not in str(caught.value)


def test_a_policy_that_was_pinned_in_version_1_is_read_back(tmp_path: Path) -> None:
    import json

    import pyarrow as pa

    policy = load_policy().policy
    stored = policy.canonical() | {"version": 1}
    for path, name in RENAMED.items():
        inside = stored
        for step in path[:-1]:
            inside = inside[step] or {}
        if name in inside:
            inside[path[-1]] = inside.pop(name)
    assert upgraded_values(stored) == policy.canonical()
    pinned = canonical_hash(stored)
    (tmp_path / f"{pinned}.json").write_text(json.dumps(stored))
    plans = pa.table({"policy_hash": [pinned]})
    assert read_pinned_policy(tmp_path, plans) == Policy.model_validate(policy.canonical())
