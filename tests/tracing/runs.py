"""A real run with services over HTTP of which one fails, and a receiver that hears of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from tests.chat_servers import chat_server
from tests.tracing.receiver import Receiver, otlp_receiver

KEY = "sk-live-Zq81mLw0vTn5rXc7"
SECRET_WORD = "Zanzibar"
# the policy of the run: everything about services that a span may tell of
POLICY = """
version: 2
feedback: {{settle_s: 0}}
tracing: {{share: {share}, capture_content: {content}}}
services:
  careful: {{{common}, model: big-1, fallbacks: [spare], price: {{call_usd: 0.002}},
    parameters: {{temperature: 0.2, seed: 7}}, prompt: {{system: "careful reader", {user}}}}}
  quick: {{{common}, model: small-1, prompt: {{system: "quick reader", {user}}}}}
  spare: {{{common}, model: spare-1, prompt: {{system: "spare reader", {user}}}}}
  stopwords: {{type: embedded, implementation: stopwords}}
tasks:
  colour:
    kind: label
    question: Which colour?
    labels: [red, green, blue]
    default: {{model: parallel, services: [careful, quick]}}
  language:
    kind: label
    question: Which natural language?
    default: {{model: sequential, services: [stopwords]}}
"""
COMMON = (
    "type: openai_chat, base_url: {url}, api_key_env: TRACE_TEST_KEY, "
    "breaker: {{min_attempts: 1000, window: 1000}}, "
    "retries: {{attempts: 2, backoff_s: 0.01, backoff_max_s: 0.01, budget: 10}}"
)
ITEMS = ("calm", "disputed", "retried", "fallen", "broken", "quiet")


@dataclass(frozen=True)
class TracedRun:
    """The home, the policy file, what the command said, and the receiver that heard of it."""

    home: Path
    source: Path
    policy: Path
    batch: str
    code: int
    said: str
    receiver: Receiver

    def call(self, *arguments: str, policy: Path | None = None) -> tuple[int, str, str]:
        return call(*arguments, "--home", str(self.home), "--policy", str(policy or self.policy))


def call(*arguments: str) -> tuple[int, str, str]:
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


def policy_text(url: str, share: float, *, content: bool = False) -> str:
    return POLICY.format(
        share=share,
        content=str(content).lower(),
        common=COMMON.format(url=url).replace("{{", "{").replace("}}", "}"),
        user='user: "{{ content }}"',
    )


@contextmanager
def answers() -> Iterator[str]:
    """The address of a service: `careful` breaks once on one item, always on another; everybody
    refuses a third; `quick` contradicts it."""
    asked = Counter[str]()

    def say(prompt: str) -> tuple[object, float] | int:
        asked[prompt] += 1
        if "broken" in prompt:
            return 400
        breaks = "fallen" in prompt or ("retried" in prompt and asked[prompt] == 1)
        if "careful" in prompt and breaks:
            return 500
        agree = "calm" in prompt or "quiet" in prompt
        return ("red" if agree or "quick" not in prompt else "blue"), 0.9

    with chat_server(say) as server:
        yield server.url


@contextmanager
def traced_run(folder: Path, share: float) -> Iterator[TracedRun]:
    source, home = folder / "source", folder / "home"
    source.mkdir()
    for name in ITEMS:
        text = f"This is the {name} text about {SECRET_WORD} and about what it is for.\n"
        (source / f"{name}.md").write_text(text, "utf-8")
    with answers() as url, otlp_receiver() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACE_TEST_KEY", KEY)
        patch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=docs")
        patch.setenv("ORCHESTRATION_DAGSTER_URL", "http://dagster.example")
        for name, value in receiver.environment().items():
            patch.setenv(name, value)
        policy = folder / "policy.yaml"
        policy.write_text(policy_text(url, share), "utf-8")
        code, _, said = call("run", str(source), "--home", str(home), "--policy", str(policy))
        assert code == 1, said
        (batch,) = (path.stem for path in (home / "batches").glob("*.parquet"))
        yield TracedRun(home, source, policy, batch, code, said, receiver)
