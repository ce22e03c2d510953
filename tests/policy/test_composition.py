"""Policies out of several files: what stands, where it is from, and what is wrong in which file."""

from pathlib import Path

import pytest

from orchestration_assets.policy.load import LoadedPolicy, load_policy, parse_policy
from orchestration_assets.policy.pinned_policy import pin_policy, read_pinned_policy
from orchestration_assets.policy.problems import PolicyError
from tests.policy.hostile import SECRET

BASE = """
version: 2
content: {max_bytes: 1000, exclude: [.git, drafts]}
services:
  stopwords: {implementation: stopwords}
  langid: {implementation: langid}
tasks:
  language:
    question: Which language?
    default: {model: sequential, services: [stopwords, langid], stop_at: 0.9}
"""
POLICY = "version: 2\nextends: [base.yaml]\n"


def write(folder: Path, **texts: str) -> Path:
    """Files by name (``__`` for a dot); gives the path of policy.yaml."""
    for name, text in texts.items():
        (folder / f"{name.replace('__', '.')}.yaml").write_text(text, "utf-8")
    return folder / "policy.yaml"


def load(path: Path, environment: str = "", **variables: str) -> LoadedPolicy:
    return load_policy(path, environment, variables)


def problems(path: Path, environment: str = "", **variables: str) -> str:
    with pytest.raises(PolicyError) as caught:
        load(path, environment, **variables)
    said = [str(problem) for problem in caught.value.problems]
    assert SECRET not in " ".join(said)
    assert all("\n" not in one for one in said)
    return " | ".join(said)


def test_the_cascade_goes_from_the_extended_files_to_the_environments_file(tmp_path) -> None:
    path = write(
        tmp_path,
        base=BASE + "environments: {production: {content: {max_bytes: 4}}}\n",
        more="version: 2\ncontent: {max_bytes: 2}\n",
        policy="version: 2\nextends: [base.yaml, more.yaml]\ncontent: {read_s: 7}\n",
        policy__production="version: 2\ncontent: {read_s: 8}\n",
    )
    plain, production = load(path).policy.content, load(path, "production").policy.content
    assert (plain.max_bytes, plain.read_s) == (2, 7.0)
    assert (production.max_bytes, production.read_s) == (4, 8.0)
    # what no file says is a default, and lists come whole from the last file that has one
    assert plain.settle_s == 5.0
    assert plain.exclude == (".git", "drafts")


def test_environments_of_several_files_are_one(tmp_path) -> None:
    path = write(
        tmp_path,
        base=BASE + "environments: {production: {content: {max_bytes: 4, read_s: 9}}}\n",
        policy=POLICY + "environments: {production: {content: {max_bytes: 5}}}\n",
    )
    content = load(path, "production").policy.content
    assert (content.max_bytes, content.read_s) == (5, 9.0)


def test_the_environment_of_the_process_counts_where_none_is_named(tmp_path) -> None:
    path = write(tmp_path, policy=BASE + "environments: {production: {content: {max_bytes: 4}}}\n")
    chosen = load_policy(path, None, {"ORCHESTRATION_ENV": "production"})
    assert (chosen.environment, chosen.policy.content.max_bytes) == ("production", 4)
    assert load_policy(path, "", {"ORCHESTRATION_ENV": "production"}).environment is None


def test_a_file_that_two_others_extend_comes_before_both(tmp_path) -> None:
    """Else what the first of them changed would be put back by way of the second."""
    path = write(
        tmp_path,
        base=BASE,
        left="version: 2\nextends: [base.yaml]\ncontent: {max_bytes: 2}\n",
        right="version: 2\nextends: [base.yaml]\ncontent: {read_s: 3}\n",
        policy="version: 2\nextends: [left.yaml, right.yaml]\n",
    )
    loaded = load(path)
    assert (loaded.policy.content.max_bytes, loaded.policy.content.read_s) == (2, 3.0)
    names = [source.name for source in loaded.sources]
    assert names == ["base.yaml", "left.yaml", "right.yaml", "policy.yaml"]


def test_the_packaged_policy_can_be_extended(tmp_path) -> None:
    path = write(tmp_path, policy="version: 2\nextends: [packaged]\ntasks: {embedding: !remove }\n")
    assert set(load_policy().policy.tasks) - set(load(path).policy.tasks) == {"embedding"}


def test_paths_are_relative_to_the_file_that_names_them(tmp_path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "team").mkdir()
    write(tmp_path / "shared", base=BASE, more="version: 2\nextends: [base.yaml]\n")
    path = write(tmp_path / "team", policy="version: 2\nextends: [../shared/more.yaml]\n")
    assert [one.name for one in load(path).sources] == [
        "../shared/base.yaml",
        "../shared/more.yaml",
        "policy.yaml",
    ]


def test_replace_and_remove_take_out_what_would_contradict(tmp_path) -> None:
    default = "{model: parallel, services: [stopwords, langid]}"
    over = POLICY + f"tasks: {{language: {{default: {default}}}}}\n"
    path = write(tmp_path, base=BASE, policy=over)
    assert "stop_at belongs to the sequential model" in problems(path)
    for better in (
        over.replace("default: {", "default: !replace {"),
        over.replace("{model: parallel", "{stop_at: !remove , model: parallel"),
    ):
        choice = load(write(tmp_path, base=BASE, policy=better)).policy.tasks["language"].default
        assert choice.stop_at is None


def test_the_hash_is_over_what_results_and_not_over_how(tmp_path) -> None:
    write(tmp_path, base=BASE, policy=POLICY + "content: {max_bytes: 2}\n")
    alone = parse_policy(BASE.replace("max_bytes: 1000", "max_bytes: 2"), "alone")
    loaded = load(tmp_path / "policy.yaml")
    assert loaded.hash == alone.hash
    kept = tmp_path / "kept"
    kept.mkdir()
    pin_policy(kept, loaded)
    import pyarrow as pa

    plans = pa.table({"policy_hash": [loaded.hash]})
    assert read_pinned_policy(kept, plans) == loaded.policy
    before = (kept / f"{loaded.hash}.sources.json").read_text()
    assert "base.yaml" in before
    (tmp_path / "base.yaml").write_text(BASE + "# another comment\n")
    pin_policy(kept, load(tmp_path / "policy.yaml"))
    assert (kept / f"{loaded.hash}.sources.json").read_text() != before


def test_templates_read_the_variables_that_their_file_lists(tmp_path) -> None:
    templated = BASE.replace(
        "question: Which language?",
        "question: !template 'Which, in {{ env.REGION }}, {{ environment | default(\"none\") }}?'",
    )
    path = write(tmp_path, base=templated + "variables: [REGION]\n", policy=POLICY)
    assert load(path, REGION="eu").policy.tasks["language"].question == "Which, in eu, none?"
    assert "tasks.language.question, file base.yaml line 9: REGION is not set" in problems(path)
    # the list of another file does not count
    write(tmp_path, base=templated, policy=POLICY + "variables: [REGION]\n")
    assert "reads REGION, which its file does not list" in problems(path, REGION="eu")


def test_a_template_that_is_laid_over_is_never_rendered(tmp_path) -> None:
    templated = BASE.replace("1000", "!template '{{ env.LIMIT | int }}'") + "variables: [LIMIT]\n"
    path = write(tmp_path, base=templated, policy=POLICY + "content: {max_bytes: 5}\n")
    assert load(path).policy.content.max_bytes == 5


def test_prompts_stay_templates(tmp_path) -> None:
    chat = (
        "services: {chat: {type: openai_chat, base_url: 'http://h', model: m, prompt: "
        "{user: '{{ content }} costs ${{ path }} <<{{ labels }}>>'}}}\n"
    )
    path = write(tmp_path, base=BASE, policy=POLICY + chat)
    shown = load(path).policy.services["chat"].prompt.user
    assert shown == "{{ content }} costs ${{ path }} <<{{ labels }}>>"


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "DB_PASSWORD", "AUTH_TOKEN"])
def test_a_variable_that_names_a_secret_is_refused(tmp_path, name) -> None:
    path = write(tmp_path, policy=BASE + f"variables: [{name}]\n")
    assert "variables[0], line 11: names a secret" in problems(path)


@pytest.mark.parametrize("value", [SECRET, "https://user:pa55@host/x", f"http://h/?token={SECRET}"])
def test_what_a_variable_holds_is_refused_where_it_looks_secret(tmp_path, value) -> None:
    templated = BASE.replace("Which language?", "!template '{{ env.REGION }}'")
    path = write(tmp_path, policy=templated + "variables: [REGION]\n")
    assert "what REGION holds looks secret" in problems(path, REGION=value)


@pytest.mark.parametrize(
    ("extends", "words"),
    [
        ("[policy.yaml]", "extends itself: policy.yaml -> policy.yaml"),
        ("[other.yaml]", "extends[0], file other.yaml line 2: extends itself"),
        ("[bse.yaml]", "did you mean 'base.yaml'"),
        ("[.]", "it is a folder"),
        ("['https://host/p.yaml']", "read from files alone"),
        ("base.yaml", "must be a list, such as [base.yaml]"),
        ("[5]", "extends[0], line 2: must be text"),
        ("['']", "must name a file"),
        ("[!template base.yaml]", "read before anything is merged"),
    ],
)
def test_what_cannot_be_extended_is_said_with_its_place(tmp_path, extends, words) -> None:
    policy = f"version: 2\nextends: {extends}\n"
    path = write(tmp_path, base=BASE, other="version: 2\nextends: [policy.yaml]\n", policy=policy)
    assert words in problems(path)


def test_a_problem_in_another_file_names_that_file_and_line(tmp_path) -> None:
    path = write(tmp_path, base=BASE.replace("max_bytes: 1000", "max_bytes: -1"), policy=POLICY)
    assert "content.max_bytes, file base.yaml line 3" in problems(path)
    path = write(tmp_path, base=BASE, policy=POLICY + "wishes: 1\n")
    assert "wishes, line 3: unknown key" in problems(path)


def test_a_misspelt_key_of_the_file_is_told_with_the_right_one(tmp_path) -> None:
    path = write(tmp_path, base=BASE, policy="version: 2\nextend: [base.yaml]\n")
    assert "extend, line 2: unknown key" in problems(path)
    assert "did you mean 'extends'" in problems(path)


def test_a_file_that_cannot_be_read_is_not_hidden_by_what_is_missing_without_it(tmp_path) -> None:
    path = write(tmp_path, base=BASE + "a: [\n", policy=POLICY)
    said = problems(path)
    assert "file base.yaml" in said and "not valid YAML" in said
    assert "is required and missing" not in said


def test_an_environment_that_does_not_exist_is_said_with_those_that_do(tmp_path) -> None:
    path = write(
        tmp_path,
        policy=BASE + "environments: {production: {}}\n",
        policy__staging="version: 2\n",
    )
    said = problems(path, "prodution")
    assert "known here: production, staging; did you mean 'production'" in said
    assert load(path).environments == ("production", "staging")
    assert load(path, "staging").environment == "staging"


@pytest.mark.parametrize("name", ["../x", "a/b", "Ä", "a" * 200, "x\0y", "PROD"])
def test_an_environment_by_a_name_that_none_can_have_leads_to_no_file(tmp_path, name) -> None:
    path = write(tmp_path, policy=BASE)
    assert "by a name that none can have" in problems(path, name)


@pytest.mark.parametrize(
    ("environments", "words"),
    [
        ("5", "environments, line 11: must be a mapping"),
        ("{production: 5}", "environments.production, line 11: must be a mapping"),
        ("{Production: {}}", "small letters"),
        ("{production: {extends: [x]}}", "concerns a whole file"),
    ],
)
def test_environments_that_are_none(tmp_path, environments, words) -> None:
    path = write(tmp_path, policy=BASE + f"environments: {environments}\n")
    assert words in problems(path)


def test_a_wrong_value_of_an_environment_is_told_where_it_stands(tmp_path) -> None:
    path = write(
        tmp_path,
        policy=BASE + "environments:\n  production:\n    content: {max_bytes: 0}\n",
        policy__production="version: 2\n\ncontent: {read_s: 0}\n",
    )
    assert load(path).policy
    said = problems(path, "production")
    assert "content.max_bytes, line 13" in said
    assert "content.read_s, file policy.production.yaml line 3" in said


def test_a_removal_of_nothing_is_told_with_the_nearest_name(tmp_path) -> None:
    path = write(tmp_path, base=BASE, policy=POLICY + "tasks: {langage: !remove }\n")
    assert "removes nothing: no file before it says this; did you mean 'language'" in problems(path)


def test_a_version_that_is_not_known_is_told_for_every_file(tmp_path) -> None:
    path = write(
        tmp_path, base=BASE.replace("version: 2", "version: 3"), policy="extends: [base.yaml]\n"
    )
    said = problems(path)
    assert "version, file base.yaml line 2: is newer than this program" in said
    assert "version: is required and missing" in said


@pytest.mark.parametrize("key", ["extends: [base.yaml]", "variables: [A]", "environments: {}"])
def test_what_came_with_version_2_is_not_in_version_1(tmp_path, key) -> None:
    path = write(tmp_path, base=BASE, policy=BASE.replace("version: 2", "version: 1") + key + "\n")
    assert "came with version 2 of the format" in problems(path)


def test_a_policy_of_many_files_is_bounded(tmp_path) -> None:
    for number in range(40):
        over = f"version: 2\nextends: [{number + 1}.yaml]\n"
        (tmp_path / f"{number}.yaml").write_text(over if number < 39 else BASE)
    assert "is one file too many" in problems(tmp_path / "0.yaml")
    values = ", ".join("x" for _ in range(30_000))
    large = f"version: 2\ncontent: {{include: [{values}]}}\n"
    path = write(
        tmp_path, base=large, more=large, policy="version: 2\nextends: [base.yaml, more.yaml]\n"
    )
    assert "with the files that it is made of" in problems(path)
