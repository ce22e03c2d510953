"""Policies that nobody should write: a table of whole files, odd values, and mutations."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import yaml

SECRET = "sk-proj-Zq8vT3nW5xK1mB7cD9fG2hJ4"

RICH = """
version: 2
content:
  include: ["**", "docs/**/*.{md,txt}"]
  exclude: [.git, "*.tmp"]
  sources: [folder, "https://host.example/a/"]
  records:
    - {files: "*.csv", text: body, id: key, metadata: [right], delimiter: ";"}
features: {neighbours: 3, share_answers: true}
execution: {budget_usd: 2.5, cache: {redis_url_env: REDIS_URL, durable: null}}
alerts: {webhook: {url_env: ALERT_URL, attempts: 2}}
services:
  names: {implementation: extension_map}
  words:
    implementation: word_labels
    parameters: {labels: {a: [alpha, first], b: [beta]}}
  like:
    implementation: example_labels
    parameters: {examples: {a: [some text], b: [other words]}}
  chat:
    type: openai_chat
    base_url: https://api.example/v1
    model: small
    api_key_env: EXAMPLE_API_KEY
    parameters: {temperature: 0.5, stop: [x], seed: 1, nested: {deep: [1, null, true]}}
    price: {input_usd: 0.1, output_usd: 0.2}
    fallbacks: [names]
    known_item: {task: kind, text: alpha, expect: a}
    prompt:
      system: "{{ task.question }} {{ labels | join(', ') }}"
      user: "{% for n in neighbours %}{{ n.content }}={{ n.answer }} {% endfor %}{{ content }}"
    prompts: {kind: {user: "{{ content[:100] }} {{ path }}"}}
  vectors: {type: openai_embeddings, base_url: "http://127.0.0.1:9/v1", model: e}
tasks:
  kind:
    question: Which?
    labels: [a, b]
    gold: right
    manners: {words: literal, chat: semantic}
    applies_to: {word_count: {ge: 5}, family: {in: [prose, code]}}
    directives:
      - name: by_path
        because: the folder says so
        paths: ["a/**", "*.md"]
        choose: {model: sequential, services: [words]}
    rules:
      - name: short
        because: little to read
        when: {char_count: {lt: 100}, has_extension: true}
        choose:
          model: iterative
          services: [words, like]
          rounds: {first_chars: 400, max_rounds: 2, max_ms: 50}
    learned: {services: [words, like], aim: price}
    default:
      model: parallel
      services: [words, like]
      judge: {service: chat}
      escalate: {below: 0.5, to: {model: sequential, services: [chat], stop_at: 0.9}}
  routed:
    question: Which of them?
    default:
      model: hybrid
      route:
        task: kind
        service: words
        to: {a: {model: parallel, services: [words]}}
        otherwise: {model: hybrid, services: [words, like], after: {like: [words]}}
  near:
    question: Where?
    kind: vector
    default: {model: parallel, services: [vectors]}
"""


def bases() -> dict[str, Any]:
    """Valid policies as plain values: the packaged one, the drill's, one with everything."""
    packaged = (files("orchestration_assets.policy") / "default.yaml").read_text("utf-8")
    drill = (files("resources.ai_services.drill") / "policy.yaml").read_text("utf-8")
    texts = {"packaged": packaged, "drill": drill, "rich": RICH}
    return {name: yaml.safe_load(text) for name, text in texts.items()}


ODD = [
    "null", "~", "''", "' '", "true", "no", "0", "-1", "1", "3.5", "-0.0", "1e999", "1.0e+999",
    ".inf", "-.inf", ".nan", "1" + "0" * 400, "9" * 5000, "9223372036854775808", "0x" + "f" * 80,
    "1.0e+300", "1.0e-320", "190:20:30", "0o17", "017", "1_000", "2026-01-01",
    "2026-01-01T00:00:00Z", "9999-99-99", "!!timestamp 2026-01-01", "!!binary aGVsbG8=",
    "!!binary '%%%'", "!!set {a, b}", "!!omap [a: 1]", "!!pairs [a: 1]",
    "!!python/name:os.system x",
    "!!python/object/apply:os.system ['true']", "!unknown x", "!!int x", "!!float ''", "!!str 5",
    "!!null 5", "!!bool maybe", "! x", "[]", "{}", "[[]]", "[null]", "{a: 1}", "{1: 2}",
    "{true: x}",
    "{null: x}", "{[a]: b}", "{{a: b}: c}", "{? : x}", "{'': x}", "{a: 1, a: 2}", "{<<: 5}",
    "{<<: [5]}", "{<<: {a: 1}}", "&loop [*loop]", "&loop {a: *loop}", "*nowhere", "&x &y z",
    "[&twice a, &twice b]", '"\\0"', '"\\e[31m"', '"\\u0085\\u2028"', '"\\ud800"', '"\\U0010FFFF"',
    '"\\x7f"', "text", "a b", "A-B", "a" * 70, "a" * 5000, "'{{ content }}'", "'{{ nosuch }}'",
    "'{{ content * 1000000000 }}'", "'{% for i in range(99999) %}{{ content }}{% endfor %}'",
    "'{{ ''''.__class__ }}'", "'{{ content|nosuch }}'", "'{% macro x() %}{{ x() }}{% endmacro %}'",
    "'{{ 9**9**9 }}'", "'{{ " + "(" * 500 + "1" + ")" * 500 + " }}'", "'{%'", "'{# '",
    "'{a,b}" + "{a,b}" * 30 + "'", "'{1..1000000000}'", "'{" + "{" * 500 + "'", "'}{'", "'['",
    "'**/a/**/a/**/a/**/a/**/b'", "'/'", "'../../x'", "'!x'", "'\\'", "'(?'", "'*'",
    f"'{SECRET}'", f"'https://user:{SECRET}@host/v1'", f"'https://host/v1?key={SECRET}'",
    "'http://'", "'http://h:99999'", "'http://a..b'", "'http://a b/'", "'ftp://x'", "'http://[::1'",
    "'http://\\u2028'", "'javascript:x'", "[" * 200 + "]" * 200, "-", "[1, two, 3.0, null]",
    "[services, tasks]", "{type: openai_chat}", "{type: [1]}", "{type: {a: b}}", "{type: embedded}",
]  # fmt: skip
"""Values as YAML in flow style, for any place of a policy."""


def places(value: Any, path: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    """The path of every value in a tree, the root's first."""
    yield path
    below = value.items() if isinstance(value, dict) else ()
    below = enumerate(value) if isinstance(value, list) else below
    for step, inside in below:
        yield from places(inside, (*path, step))


def mutated(base: Any, path: tuple[int | str, ...], how: str) -> str:
    """A policy in which the value at ``path`` is deleted, repeated, or replaced by YAML text."""
    if how == "repeat" and path:
        return _repeated(base, path)
    return _text(_changed(base, path, how)).replace("'@@odd@@'", how).replace("@@odd@@", how)


def _repeated(base: Any, path: tuple[int | str, ...]) -> str:
    """A list with one entry twice, or a mapping with one key twice."""
    here = base
    for step in path[:-1]:
        here = here[step]
    if isinstance(here, list):
        return _text(_changed(base, path[:-1], [*here, here[path[-1]]]))
    again = {**here, "@@again@@": here[path[-1]]}
    return _text(_changed(base, path[:-1], again)).replace("'@@again@@'", str(path[-1]))


def _changed(base: Any, path: tuple[int | str, ...], how: Any) -> Any:
    if not path:
        return how if not isinstance(how, str) else "@@odd@@"
    step, *rest = path
    if not rest and how == "delete":
        if isinstance(base, dict):
            return {key: value for key, value in base.items() if key != step}
        return [value for number, value in enumerate(base) if number != step]
    changed = _changed(base[step], tuple(rest), how)
    if isinstance(base, dict):
        return {**base, step: changed}
    return [changed if number == step else value for number, value in enumerate(base)]


def _text(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10**9, allow_unicode=True)


def _minimal(rest: str) -> str:
    return (
        "version: 2\nservices: {n: {implementation: extension_map}}\n"
        f"tasks: {{t: {{question: q, default: {{model: parallel, services: [n]}}}}}}\n{rest}"
    )


_BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)

WHOLE: dict[str, bytes] = {
    "nothing": b"",
    "blank": b" \n\n",
    "comment": b"# nothing\n",
    "null": b"~\n",
    "text": b"just words\n",
    "number": b"5\n",
    "list": b"- 1\n",
    "date": b"2026-01-01\n",
    "binary": b"!!binary aGVsbG8=\n",
    "tab": b"a:\n\t- b\n",
    "two documents": _minimal("---\na: 1\n").encode(),
    "ten thousand documents": b"---\n" * 10_000,
    "unknown alias": b"a: *b\n",
    "cycle": b"&a [*a]\n",
    "cycle in key": b"&a {*a : 1}\n",
    "cycle in merge": b"a: &a {<<: *a}\n",
    "alias bomb": _BOMB.encode(),
    "merge bomb": (
        "a0: &a0 {" + ",".join(f"k{n}: 1" for n in range(100)) + "}\n"
        + "".join(f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 20)}]}}\n" for n in range(1, 9))
    ).encode(),
    "merge of text": _minimal("features: {<<: text}\n").encode(),
    "lists 1,000 deep": b"[" * 1_000 + b"]" * 1_000,
    "lists 30,000 deep": b"[" * 30_000 + b"]" * 30_000,
    "lists unclosed": b"[" * 100_000,
    "mappings 1,000 deep": b"{a: " * 1_000 + b"1" + b"}" * 1_000,
    "mappings 30,000 deep": b"{a: " * 30_000 + b"1" + b"}" * 30_000,
    "keys 30,000 deep": b"? " * 30_000 + b"a",
    "dashes 30,000 deep": b"- " * 30_000 + b"a",
    "blocks 1,000 deep": "".join(" " * n + "a:\n" for n in range(1_000)).encode(),
    "parameters 60 deep": _minimal("x: " + "[" * 55 + "]" * 55).encode(),
    "500,000 values": b"[" + b"a," * 500_000 + b"]",
    "100,000 unknown keys": "".join(f"k{n}: 1\n" for n in range(100_000)).encode(),
    "40,000 wrong services": ("version: 2\nservices:\n" + "".join(
        f"  s{n}: 1\n" for n in range(24_000))).encode(),
    "one key of a megabyte": b"a" * 900_000 + b": 1\n",
    "a megabyte of text": b"version: '" + b"a" * 1_000_000 + b"'\n",
    "a megabyte of digits": b"version: " + b"9" * 1_000_000 + b"\n",
    "more than a megabyte": b"# \n" * 400_000,
    "directives": b"%TAG !a! b\n" * 20_000 + b"--- a\n",
    "same directives": "".join(f"%TAG !a{n}! b\n" for n in range(20_000)).encode() + b"--- a\n",
    "latin-1": _minimal("# caf\xe9\n").encode("latin-1"),
    "bytes": bytes(range(256)),
    "NUL": _minimal("x: a\0b\n").encode(),
    "NULs": b"\0" * 1000,
    "half a surrogate pair": _minimal("x: ").encode() + b"\xed\xa0\x80\n",
    "UTF-16 without mark": _minimal("").encode("utf-16-le"),
    "UTF-16 cut": _minimal("").encode("utf-16")[:-1],
    "only a mark": b"\xff\xfe",
    "control characters": _minimal("x: \x01\x02\n").encode(),
    "escape sequence": _minimal("\x1b[31m: 1\n").encode(),
    "services as text": b"version: 2\nservices: {a: plain text}\ntasks: {}\n",
    "services as date": b"version: 2\nservices: {a: 2026-01-01, b: 1.5, c: null, d: [], e: true}\n",
    "services as list": b"version: 2\nservices: [a, b]\ntasks: [c]\n",
    "tasks as text": b"version: 2\nservices: text\ntasks: text\n",
    "keys of every kind": b"1: a\ntrue: b\nnull: c\n1.5: d\n2026-01-01: e\n[a]: f\n{b: c}: g\n",
    "500 globs": _minimal(
        "content: {include: [" + ",".join(["'{1..900}'"] * 500) + "]}\n"
    ).encode(),
    "1,000 prompts": ("version: 2\nservices:\n" + "".join(
        f"  s{n}: {{type: openai_chat, base_url: 'http://h', model: m, prompt: {{user: "
        "'{% for i in range(9000) %}{% if i > 8990 %}{{ i }}{% endif %}{% endfor %}'}}\n"
        for n in range(1_000)
    ) + "tasks: {t: {question: q, default: {model: parallel, services: [s1]}}}\n").encode(),
}  # fmt: skip
"""Whole files that are no policy, each to be refused."""
