"""Whatever stands in a policy file: a valid and usable policy, or one list of what is wrong."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.command import policy as command
from orchestration_assets.policy.files import MAX_BYTES, decode_text
from orchestration_assets.policy.load import LoadedPolicy, load_policy, parse_policy
from orchestration_assets.policy.pinned_policy import pin_policy, read_pinned_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.items import Item, Question
from orchestration_assets.schemas.services import ChatConfig
from orchestration_assets.schemas.tables import ItemProfile
from orchestration_assets.selection.strategies import DirectiveStrategy
from orchestration_assets.services.pool import build_services
from orchestration_assets.settings import Settings
from orchestration_assets.text.path_patterns import Patterns
from orchestration_assets.text.prompts.templates import PromptError
from tests.fuzzing import EXHAUSTIVE, fuzz
from tests.policy.hostile import ODD, RICH, SECRET, WHOLE, bases, mutated, places

BASES = bases()
SMALL = yaml.safe_load("""
version: 2
content: {include: [x]}
services:
  chat: {type: openai_chat, base_url: "http://h", model: m, prompt: {user: x}}
tasks: {kind: {question: q, default: {model: parallel, services: [chat]}}}
""")
PLACES = [(name, path) for name, base in BASES.items() for path in places(base)]


def judged(text: str) -> LoadedPolicy | None:
    """The valid policy, which is used in every way; None where it is refused in words."""
    try:
        loaded = parse_policy(text, "hostile.yaml")
    except PolicyError as error:
        readable(error)
        return None
    usable(loaded)
    return loaded


def readable(error: PolicyError) -> None:
    assert isinstance(error, OrchestrationError)
    assert error.problems
    message = str(error)
    assert SECRET not in message
    assert message.isprintable(), message
    for problem in error.problems:
        assert len(str(problem)) < 2_000
        assert problem.message


def usable(loaded: LoadedPolicy) -> None:
    """Everything that later steps do with a valid policy, but for asking services."""
    policy = loaded.policy
    with tempfile.TemporaryDirectory() as folder:
        assert shown_again(loaded) == policy
        pin_policy(Path(folder), loaded)
        assert read_pinned_policy(Path(folder), pa.table({"policy_hash": [loaded.hash]})) == policy
    json.dumps(policy.canonical(), allow_nan=False).encode()
    for patterns in (policy.content.include, policy.content.exclude):
        Patterns(patterns).match("a/b/c.txt")
    for records in policy.content.records:
        Patterns((records.files,)).match("a/b/c.csv")
    timedelta(days=policy.execution.cache.keep_days)
    datetime.now(UTC) - timedelta(hours=policy.content.retry_hours)
    services = build_services(policy.services)
    for name, config in policy.services.items():
        if not isinstance(config, ChatConfig):
            continue
        for task_name, task in policy.tasks.items():
            with contextlib.suppress(PromptError):
                services[name].prepare([asked(task_name, task)])
    for name, task in policy.tasks.items():
        profile = ItemProfile("item", "hash", "a/b.md", ProfileStatus.OK, {})
        DirectiveStrategy().decide(name, task, profile)
        assert task.choices


def asked(name, config):
    from orchestration_assets.schemas.items import Task

    task = Task(name, config.version, config.kind, config.labels, config.scale, 1.0, "What?")
    return Question(task, Item("i", "h", "a/b.md", "Some words of content.\n" * 50))


def shown_again(loaded: LoadedPolicy):
    """The policy that `orchestrate policy show` prints, read again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.yaml"
        kept = loaded.policy.canonical()
        path.write_text(yaml.dump(kept, Dumper=yaml.CSafeDumper, allow_unicode=True), "utf-8")
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            assert command.show(path) == 0
        again = parse_policy(said.getvalue(), "shown")
    assert again.hash == loaded.hash
    return again.policy


@pytest.mark.parametrize("name", BASES)
def test_the_policies_that_are_mutated_are_valid(name) -> None:
    assert judged(yaml.safe_dump(BASES[name], default_flow_style=True)) is not None


@pytest.mark.slow
def test_every_place_with_odd_values_is_a_usable_policy_or_refused() -> None:
    """Ordinarily two odd values a place, other ones at the next; all of them when fuzzed."""
    each = len(ODD) if EXHAUSTIVE else 2
    odd = cycle(["delete", "repeat", *ODD])
    refused = accepted = 0
    for name, path in PLACES:
        for how in islice(odd, each):
            try:
                taken = judged(mutated(BASES[name], path, how)) is not None
            except BaseException as error:
                raise AssertionError(f"{name} {path} {how[:80]}") from error
            refused, accepted = refused + (not taken), accepted + taken
    assert refused > 400
    assert accepted > 50


@pytest.mark.slow
def test_odd_values_at_the_places_that_are_read_differently() -> None:
    """Ordinarily a quarter of the values a place; all of them when fuzzed."""
    wanted = {
        ("services",), ("services", "chat"), ("services", "chat", "type"),
        ("services", "chat", "base_url"), ("services", "chat", "api_key_env"),
        ("services", "chat", "parameters"), ("services", "chat", "prompt", "user"),
        ("services", "words", "parameters"), ("services", "words", "parameters", "labels"),
        ("content", "include"), ("content", "include", 0), ("content", "records", 0, "files"),
        ("content", "records", 0, "delimiter"), ("tasks", "kind", "applies_to", "word_count"),
        ("tasks", "kind", "directives", 0, "paths", 0), ("tasks", "kind", "default"), (),
    }  # fmt: skip
    step = 1 if EXHAUSTIVE else 4
    for number, path in enumerate(sorted(wanted, key=str)):
        for how in ODD[number % step :: step]:
            judged(mutated(BASES["rich"], path, how))


@fuzz
@given(
    st.sampled_from(PLACES),
    st.sampled_from([*ODD, "delete", "repeat"]),
    st.sampled_from(PLACES),
    st.sampled_from(ODD),
)
def test_two_odd_values_at_once(place, how, other, odd) -> None:
    name, path = place
    text = mutated(BASES[name], path, how)
    judged(text)
    if other[0] == name and other[1][: len(path)] != path and how not in ("delete", "repeat"):
        both = None
        # the other place may be gone
        with contextlib.suppress(KeyError, IndexError, TypeError):
            again = yaml.safe_load(mutated(BASES[name], path, "odd"))
            both = mutated(again, other[1], odd).replace("odd", how, 1)
        if both is not None:
            judged(both)


@fuzz
@given(st.sampled_from(PLACES), st.text(max_size=80))
def test_any_text_at_any_place(place, text) -> None:
    name, path = place
    judged(mutated(BASES[name], path, json.dumps(text)))


@fuzz
@given(st.text())
def test_any_text_as_a_file(text) -> None:
    judged(text)


@fuzz
@given(st.text(alphabet="{}[]:,-?&*!|>'\"%@`# \n\tab1<.~\\"))
def test_any_punctuation_as_a_file(text) -> None:
    judged(text)
    judged(RICH + text)


@fuzz
@given(st.text(alphabet="{}%#[]()|~+*-.'\"=<>!, \nabcontel019for_iexs", max_size=120))
def test_any_punctuation_as_a_prompt(text) -> None:
    place = ("services", "chat", "prompt", "user")
    judged(mutated(SMALL, place, json.dumps("{{ content }}" + text)))
    judged(mutated(SMALL, place, json.dumps("{{ " + text + " }}")))


@fuzz
@given(st.text(alphabet="{}[],.*?!/\\-^~ab19", max_size=60))
def test_any_punctuation_as_a_glob(text) -> None:
    judged(mutated(SMALL, ("content", "include", 0), json.dumps(text)))


@fuzz
@given(st.binary())
def test_any_bytes_as_a_file(data) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.yaml"
        path.write_bytes(data)
        with pytest.raises(PolicyError) as caught:
            load_policy(path)
        assert "\n" not in str(caught.value)


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from pathlib import Path
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.problems import PolicyError
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        load_policy(path)
        print("valid", path.name)
    except PolicyError as error:
        assert "\\n" not in str(error) and error.problems
"""


def test_no_whole_file_ends_the_process_or_takes_its_memory(tmp_path) -> None:
    for name, data in WHOLE.items():
        (tmp_path / name).write_bytes(data)
    told = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_other_unicode_encodings_with_a_mark_are_read(tmp_path, encoding) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(RICH.encode(encoding))
    assert load_policy(path).hash == parse_policy(RICH, "p").hash
    if encoding.startswith("utf-16"):
        path.write_bytes(b"\xfe\xff" + RICH.encode("utf-16-be"))
        assert load_policy(path).hash == parse_policy(RICH, "p").hash


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("a: 1".encode("utf-16-le"), "save it as UTF-8"),
        (b"caf\xe9", "byte 3 is not UTF-8"),
        (b"\xff\xfea", "is not UTF-16"),
    ],
)
def test_other_encodings_are_named(data, words) -> None:
    with pytest.raises(ValueError, match=words):
        decode_text(data)


def checked(path: Path | str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestration_assets", "policy", "check", str(path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    huge = tmp_path / "huge"
    with huge.open("wb") as stream:
        stream.truncate(1 << 30)
    for path, words in (
        (tmp_path / "pipe", "a pipe or device"),
        ("/dev/zero", "a pipe or device"),
        (tmp_path, "a folder"),
        (tmp_path / "loop", "cannot be read"),
        (tmp_path / ("x" * 300), "cannot be read"),
        (huge, f"larger than {MAX_BYTES} bytes"),
        (tmp_path / "a\0b", "NUL"),
        (tmp_path / "\udcff", "cannot be read"),
    ):
        with pytest.raises(PolicyError, match=words):
            load_policy(path)
    told = checked(tmp_path / "pipe")
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_the_command_says_each_problem_on_a_line_and_ends_with_two(tmp_path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(WHOLE["services as date"])
    told = checked(path)
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert [line for line in told.stderr.splitlines() if "services.a, line 2:" in line]
    assert "tasks: is required and missing" in told.stderr


def test_the_home_of_nobody_is_a_file_that_is_missing() -> None:
    found = Settings.from_environment({"ORCHESTRATION_POLICY": "~nobody_here/p.yaml"})
    assert found.policy is not None
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policy(found.policy)


def test_problems_of_the_text_and_of_the_format_come_in_one_list() -> None:
    text = RICH.replace("version: 2", "version: !!binary aGk=").replace("model: small", "modle: x")
    with pytest.raises(PolicyError) as caught:
        parse_policy(text.replace("kind: vector", "kind: vecter"), "p")
    found = {problem.path: str(problem) for problem in caught.value.problems}
    assert "!!binary" in found["version"]
    assert "did you mean 'model'" in found["services.chat.modle"]
    assert "did you mean 'vector'" in found["tasks.near.kind"]


def test_problems_say_their_line() -> None:
    line = RICH.splitlines().index("    model: small") + 1
    with pytest.raises(PolicyError) as caught:
        parse_policy(RICH.replace("model: small", "modle: small"), "p")
    lines = {problem.path: problem.line for problem in caught.value.problems}
    assert lines["services.chat.modle"] == line
    assert lines["services.chat.model"] == RICH.splitlines().index("  chat:") + 2


def test_merge_keys_share_settings() -> None:
    shared = """
version: 2
services:
  one: &chat
    type: openai_chat
    base_url: http://h/v1
    model: small
    prompt: {user: "{{ content }}"}
  two: {<<: *chat, model: large}
tasks: {t: {question: q, default: {model: parallel, services: [one, two]}}}
"""
    services = parse_policy(shared, "p").policy.services
    assert services["two"] == services["one"].model_copy(update={"model": "large"})


def test_a_null_that_means_something_is_shown() -> None:
    loaded = parse_policy(RICH, "p")
    assert loaded.policy.execution.cache.durable is None
    assert shown_again(loaded).execution.cache.durable is None


@pytest.mark.parametrize("name", ["rich", "drill"])
def test_a_secret_at_any_place_is_never_said(name) -> None:
    forms = cycle([SECRET, f"https://user:{SECRET}@host/v1?key={SECRET}", f"Bearer {SECRET}"])
    for path in places(BASES[name]):
        value = json.dumps(next(forms))
        for how in (value, f"{{{value}: 1}}", f"[{value}, 5]"):
            try:
                parse_policy(mutated(BASES[name], path, how), "hostile.yaml")
            except PolicyError as error:
                readable(error)


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        "deadbeefcafe0123456789abcdef0123",
        "ghp_abcDEF123456abcDEF123456abcDEF123456",
        "hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh",
        "AKIAIOSFODNN7EXAMPLE",
        "AbCdEfGhIjKlMnOpQrStUvWxYz",
    ],
)
def test_a_key_in_the_place_of_its_variable_is_told_apart_and_never_said(tmp_path, secret) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(RICH.replace("EXAMPLE_API_KEY", secret))
    told = checked(path)
    assert told.returncode == 2
    assert "looks like a key itself" in told.stderr
    assert secret not in told.stderr + told.stdout


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "openaiKey", "K8S_TOKEN", "_KEY2", "AZURE_GPT4O_KEY", "key", "S3_KEY"],
)
def test_names_of_variables_are_taken(name) -> None:
    policy = parse_policy(RICH.replace("EXAMPLE_API_KEY", name), "p").policy
    assert policy.services["chat"].api_key_env == name


def test_an_embedded_service_refuses_parameters_without_saying_them() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(
            RICH.replace("{a: [alpha, first], b: [beta]}", f"{{a: [{SECRET}], b: 5}}"), "p"
        )
    assert SECRET not in str(caught.value)
