import json
import os
from pathlib import Path

import pytest
import yaml

from orchestration_assets.policy.hashes import canonical_hash
from orchestration_assets.policy.load import PACKAGED, load_policy, parse_policy
from orchestration_assets.policy.pinned_policy import (
    PinnedPolicyError,
    pin_policy,
    read_pinned_policy,
)
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import PROCESSING_PLANS

MINIMAL = """
version: 2
services:
  names: {implementation: extension_map}
  model: {implementation: magika}
tasks:
  content_type:
    question: What is it?
    rules:
      - name: bare
        because: the name says nothing
        when: {has_extension: false}
        choose: {model: parallel, services: [names, model]}
    default: {model: sequential, services: [names, model], stop_at: 0.9}
"""


def problems(text: str) -> dict[str, str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "test.yaml")
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_the_packaged_policy_is_valid_and_pinned_by_content() -> None:
    first, second = load_policy(), load_policy()
    assert first.source == PACKAGED
    assert first.hash == second.hash
    assert set(first.policy.tasks) >= {"content_type", "natural_language"}


def test_layout_and_comments_do_not_change_the_hash_but_a_value_does() -> None:
    base = parse_policy(MINIMAL, "a")
    relaid = yaml.safe_dump(yaml.safe_load(MINIMAL), default_flow_style=False)
    assert parse_policy("# a comment\n" + relaid, "b").hash == base.hash
    assert parse_policy(MINIMAL.replace("0.9", "0.8"), "c").hash != base.hash


def test_a_wrong_word_of_a_list_that_takes_two_kinds_of_words_is_one_problem() -> None:
    listed = MINIMAL.replace(
        "What is it?", "What is it?\n    redact_answers: [keep_secert, mail, 3]"
    )
    with pytest.raises(PolicyError) as caught:
        parse_policy(listed, "test.yaml")
    first, second, third = map(str, caught.value.problems)
    assert first.startswith(
        "tasks.content_type.redact_answers[0], line 9: Input should be 'secret', "
    )
    assert first.endswith(" or 'keep_secret' (found 'keep_secert'); did you mean 'keep_secret'?")
    assert "did you mean 'email'" in second
    assert "(found 3)" in third


def test_an_unknown_key_is_named_with_the_nearest_valid_one() -> None:
    found = problems(MINIMAL.replace("because:", "becuase:"))
    path = "tasks.content_type.rules[0]"
    assert "did you mean 'because'" in found[f"{path}.becuase"]
    assert "required" in found[f"{path}.because"]


@pytest.mark.parametrize("key", ["url_env", "url"])
def test_the_address_of_a_webhook_in_the_file_is_refused_and_quoted_nowhere(key) -> None:
    text = MINIMAL + f"alerts: {{webhook: {{{key}: 'https://hooks.test/s3cr3t'}}}}\n"
    with pytest.raises(PolicyError, match=f"alerts.webhook.{key}") as caught:
        parse_policy(text, "test.yaml")
    assert "url_env" in str(caught.value)
    assert "s3cr3t" not in f"{caught.value} {caught.value.__cause__}"


def test_all_problems_come_at_once() -> None:
    text = (
        MINIMAL.replace("model: parallel", "model: paralel")
        .replace("stop_at: 0.9", "stop_at: 1.9")
        .replace("version: 2", "version: 7")
        + "wishes: {}\n"
    )
    found = problems(text)
    assert "did you mean 'parallel'" in found["tasks.content_type.rules[0].choose.model"]
    assert "1.9" in found["tasks.content_type.default.stop_at"]
    assert set(found) >= {"version", "wishes"}


@pytest.mark.parametrize(
    ("before", "after", "path", "words"),
    [
        (
            "implementation: magika",
            "implementation: magica",
            "services.model.implementation",
            "did you mean 'magika'",
        ),
        (
            "has_extension: false",
            "has_extention: false",
            "tasks.content_type.rules[0].when.has_extention",
            "did you mean 'has_extension'",
        ),
        (
            "has_extension: false",
            "has_extension: 3",
            "tasks.content_type.rules[0].when.has_extension",
            "bool",
        ),
        (
            "has_extension: false",
            "extension: {gt: 3}",
            "tasks.content_type.rules[0].when.extension.gt",
            "no order",
        ),
        (
            "services: [names, model], stop_at",
            "services: [names, modle], stop_at",
            "tasks.content_type.default.services[1]",
            "did you mean 'model'",
        ),
        ("name: bare", "name: default", "tasks.content_type.rules[0].name", "taken"),
    ],
)
def test_a_name_that_stands_for_nothing_is_refused(before, after, path, words) -> None:
    assert words in problems(MINIMAL.replace(before, after))[path]


def test_a_service_must_give_the_kind_of_answer_that_the_task_asks_for() -> None:
    found = problems(MINIMAL.replace("question: What is it?", "question: What?\n    kind: score"))
    assert "kind score" in found["tasks.content_type.default.services[0]"]
    assert "kind score" in found["tasks.content_type.rules[0].choose.services[1]"]


DEFAULT = "default: {model: sequential, services: [names, model], stop_at: 0.9}"


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("{model: sequential, services: [names], stop_at: 0.9, chain: true}", "leave out stop_at"),
        ("{model: parallel, services: [names], stop_at: 0.9}", "belongs to the sequential model"),
        ("{model: parallel, services: [names], rounds: {}}", "belongs to the iterative model"),
        ("{model: parallel, services: [names, names]}", "named once"),
        ("{model: parallel}", "give services"),
        (
            "{model: hybrid, services: [names, model], after: {names: [model], model: [names]}}",
            "cycle: ",
        ),
        ("{model: parallel, services: [names], judge: {service: names}}", "must not be one of"),
    ],
)
def test_a_choice_that_contradicts_itself_is_refused(choice, words) -> None:
    found = problems(MINIMAL.replace(DEFAULT, f"default: {choice}"))
    assert words in found["tasks.content_type.default"]


def test_sub_plans_are_checked_as_deep_as_they_go() -> None:
    sub_plan = "{model: parallel, services: [nmaes]}"
    route = f"{{task: content_tipe, service: names, to: {{a: {sub_plan}}}, otherwise: {sub_plan}}}"
    found = problems(MINIMAL.replace(DEFAULT, f"default: {{model: hybrid, route: {route}}}"))
    path = "tasks.content_type.default.route"
    assert "did you mean 'content_type'" in found[f"{path}.task"]
    assert "did you mean 'names'" in found[f"{path}.to.a.services[0]"]
    assert "did you mean 'names'" in found[f"{path}.otherwise.services[0]"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 2\nversion: 1\n", "given twice"),
        ("version: [1\n", "not valid YAML"),
        ("- 1\n", "mapping of sections"),
        ("version: !!python/object/apply:os.getcwd []\n", "not valid YAML"),
        ("on: 1\nyes: 2\n", "not text"),
    ],
)
def test_text_that_is_not_a_policy_is_refused(text, words) -> None:
    assert words in " ".join(problems(text).values())


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"missing\.yaml.*cannot be read"):
        load_policy(tmp_path / "missing.yaml")


def test_a_problem_list_fits_one_line() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy("version: 2\nwishes: 1\n", "p.yaml")
    assert "\n" not in str(caught.value)


def test_the_published_schema_accepts_the_packaged_policy() -> None:
    schema = Policy.model_json_schema(by_alias=True)
    assert schema["additionalProperties"] is False
    json.dumps(schema)
    for section in load_policy().policy.canonical():
        assert section in schema["properties"]


def _plans(policy_hash: str):
    row = dict.fromkeys(PROCESSING_PLANS.schema.names)
    row["policy_hash"] = policy_hash
    import pyarrow as pa

    schema = pa.schema([field.with_nullable(True) for field in PROCESSING_PLANS.schema])
    return pa.Table.from_pylist([row], schema=schema)


def test_a_pinned_policy_comes_back_equal(tmp_path: Path) -> None:
    loaded = load_policy()
    pin_policy(tmp_path, loaded)
    assert read_pinned_policy(tmp_path, _plans(loaded.hash)) == loaded.policy


def test_a_policy_pinned_before_a_setting_existed_comes_back_with_its_default(tmp_path) -> None:
    loaded = parse_policy(MINIMAL, "a")
    kept = loaded.policy.canonical()
    del kept["features"]["neighbour_s"]
    name = canonical_hash(kept)
    (tmp_path / f"{name}.json").write_text(json.dumps(kept))
    assert read_pinned_policy(tmp_path, _plans(name)) == loaded.policy


def test_a_pinned_policy_that_was_edited_is_refused(tmp_path: Path) -> None:
    loaded = parse_policy(MINIMAL, "a")
    pin_policy(tmp_path, loaded)
    path = tmp_path / f"{loaded.hash}.json"
    path.write_text(path.read_text().replace('"stop_at": 0.9', '"stop_at": 0.1'))
    with pytest.raises(PinnedPolicyError, match="changed after it was pinned"):
        read_pinned_policy(tmp_path, _plans(loaded.hash))


def test_a_missing_pinned_policy_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PinnedPolicyError, match="materialize processing_plans again"):
        read_pinned_policy(tmp_path, _plans("0" * 16))


@pytest.mark.parametrize("data", [b"[" * 100_000, b"{}", b"\xff", b"", b"5", b'{"version": NaN}'])
def test_a_pinned_policy_that_is_damaged_is_said_in_one_line(tmp_path: Path, data) -> None:
    (tmp_path / f"{'0' * 16}.json").write_bytes(data)
    with pytest.raises(PinnedPolicyError, match="materialize processing_plans again") as caught:
        read_pinned_policy(tmp_path, _plans("0" * 16))
    assert "\n" not in str(caught.value)


def test_plans_that_name_a_path_read_no_policy(tmp_path: Path) -> None:
    with pytest.raises(PinnedPolicyError, match="name no policy"):
        read_pinned_policy(tmp_path / "policies", _plans("../secret"))


def test_a_pipe_in_place_of_a_pinned_policy_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"{'0' * 16}.json")
    with pytest.raises(PinnedPolicyError, match="pipe"):
        read_pinned_policy(tmp_path, _plans("0" * 16))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("kind: score, bands: [0.0]", "bands must rise, within the scale"),
        ("kind: score, bands: [1.0]", "bands must rise, within the scale"),
        ("kind: score, bands: [0.6, 0.4]", "bands must rise, within the scale"),
        ("kind: label, bands: [0.5]", "only a task of kind score has a scale"),
        ("kind: score, near_synonyms: [[a, b]]", "only a task of kind label has labels"),
        ("kind: label, labels: [a, b], near_synonyms: [[a, c]]", "names c, not in labels"),
    ],
)
def test_what_a_difference_changes_must_fit_the_kind_of_answer(fields, why) -> None:
    policy = (
        "version: 2\nservices: {names: {implementation: extension_map}}\ntasks:\n"
        f"  t: {{question: What?, {fields}, default: {{model: parallel, services: [names]}}}}\n"
    )
    assert why in problems(policy)["tasks.t"]
