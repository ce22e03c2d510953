"""Mutated policies, the same for the same seed: kinds, cycles, depth, numbers, anchors, letters."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

COMPOSED: Final = """\
version: 2
extends: [base.yaml]
variables: [REGION, LIMIT]
execution: {budget_usd: !template "{{ env.LIMIT | default('5') | float }}"}
tasks:
  language:
    question: !template "Which language, in {{ env.REGION | default('Europe') }}?"
    default: !replace {model: parallel, services: [stopwords, langid]}
environments:
  production:
    execution: {items_in_flight: 64, budget_usd: !remove }
"""
BASE: Final = """\
version: 2
services: &all
  stopwords: {implementation: stopwords}
  langid: {implementation: langid}
tasks:
  language:
    question: Which language?
    applies_to: {word_count: {ge: 3}}
    default: {model: sequential, services: [stopwords, langid], stop_at: 0.9}
"""


@dataclass(frozen=True, slots=True)
class MutatedPolicy:
    """File name -> text, of which ``policy.yaml`` is the policy; ``kinds`` say what was done."""

    kinds: tuple[str, ...]
    texts: Mapping[str, str]


_VALUES: Final = (
    *("null", "true", "[]", "{}", "''", "text", "[a, 1, null]", "{a: {b: [c]}}", "2026-01-01"),
    *("!!binary aGk=", "!!python/object/apply:os.getcwd []", "!unknown x", "!!set {a}", "? x"),
)
_NUMBERS: Final = (
    *("1" + "0" * 400, "9" * 5000, "-" + "9" * 30, "9223372036854775808", "0x" + "f" * 80),
    *("1.0e+308", "1.0e+309", "-1.0e-320", ".inf", ".nan", "-0.0", "1e999", "190:20:30", "1_000"),
)
_LETTERS: Final = (
    *("\u0000", "\u2028", "\u0085", "\ufeff", "\u202e", "\U0001f600", "e\u0301", "\ud800", "\x1b"),
    *("\uffff", "\u0430\u200d", "\u00a0", "\t", "\U0010ffff", "\u3000", "\u0345" * 200),
)
_TAGS: Final = (
    *("!template '{{ env.REGION }}'", "!template '{{ nosuch }}'", "!template '{{ env }}'"),
    *("!template '{{ 9**9**9 }}'", "!template '{% for i in range(99999) %}x{% endfor %}'"),
    *("!template '{{'", "!template [a]", "!template {a: b}", "!template " + "x" * 30_000),
    *("!remove", "!remove x", "!replace {}", "!replace [a]", "!replace x", "!template"),
    "!template '{{ " + "(" * 300 + "1" + ")" * 300 + " }}'",
)
_FILES: Final = (
    *("[policy.yaml]", "[base.yaml, base.yaml]", "[missing.yaml]", "[.]", "[https://h/p.yaml]"),
    *("base.yaml", "[5]", "[null]", "[[base.yaml]]", "[packaged]", "[/dev/zero]", "['']"),
    *("[!template base.yaml]", "!remove", "{a: b}", "[" + "base.yaml, " * 2000 + "packaged]"),
)


def mutated_policies(count: int, seed: int = 0) -> Iterator[MutatedPolicy]:
    """So many policies, each a valid one that was changed in one to three ways."""
    chance = random.Random(seed)
    bases = _bases()
    kinds = list(_MUTATIONS)
    for number in range(count):
        texts = dict(bases[number % len(bases)])
        # every kind comes up, whatever the seed
        done = [kinds[number // len(bases) % len(kinds)]]
        done += chance.sample(kinds, chance.randrange(3))
        for kind in done:
            name = chance.choice(sorted(texts))
            texts[name] = _MUTATIONS[kind](texts[name], chance)
        yield MutatedPolicy(tuple(done), texts)


def _bases() -> list[dict[str, str]]:
    packaged = (files("orchestration_assets.policy") / "default.yaml").read_text("utf-8")
    drill = (files("resources.ai_services.drill") / "policy.yaml").read_text("utf-8")
    composed = {"policy.yaml": COMPOSED, "base.yaml": BASE}
    return [{"policy.yaml": packaged}, {"policy.yaml": drill}, composed, composed]


def _put(text: str, chance: random.Random, value: str) -> str:
    """The text with the value of one key replaced, in the flow style of one line."""
    lines = text.split("\n")
    keyed = [n for n, line in enumerate(lines) if ":" in line and not line.lstrip().startswith("#")]
    if not keyed:
        return text + value
    at = chance.choice(keyed)
    lines[at] = f"{lines[at].partition(':')[0]}: {value}"
    return "\n".join(lines)


def _of(values: tuple[str, ...]) -> Callable[[str, random.Random], str]:
    return lambda text, chance: _put(text, chance, chance.choice(values))


def _deep(text: str, chance: random.Random) -> str:
    depth = chance.choice((60, 70, 500, 50_000))
    opened, closed = chance.choice((("[", "]"), ("{a: ", "}"), ("- ", "")))
    return _put(text, chance, opened * depth + closed * chance.choice((0, depth)))


def _cycle(text: str, chance: random.Random) -> str:
    loops = ("&l [*l]", "&l {a: *l}", "&l {<<: *l}", "*nowhere", "{x: &l [{y: *l}]}", "&l *l")
    return _put(text, chance, chance.choice(loops))


def _anchors(text: str, chance: random.Random) -> str:
    """Aliases that multiply: each level is ten times the one before."""
    levels = chance.choice((3, 6, 9))
    kind = chance.choice(("[{}]", "{{a: [{}]}}"))
    lines = ["bomb0: &b0 [x, x]"]
    for level in range(1, levels):
        below = ", ".join([f"*b{level - 1}"] * 10)
        lines.append(f"bomb{level}: &b{level} {kind.format(below)}")
    return "\n".join([text, *lines, ""])


def _letters(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    letters = "".join(chance.choices(_LETTERS, k=chance.randrange(1, 4)))
    return text[:at] + letters + text[at:]


def _layout(text: str, chance: random.Random) -> str:
    """Lines lost, repeated, moved in or out, or the text cut off."""
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    how = chance.randrange(5)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(at, lines[at])
    elif how == 2:
        lines[at] = " " * chance.randrange(1, 5) + lines[at]
    elif how == 3:
        lines[at] = lines[at].lstrip()
    else:
        return text[: chance.randrange(len(text) + 1)]
    return "\n".join(lines)


def _large(text: str, chance: random.Random) -> str:
    values = (
        "[" + "x, " * 40_000 + "x]",
        "{" + ", ".join(f"k{n}: {n}" for n in range(20_000)) + "}",
        "'" + "y" * 600_000 + "'",
        "{" + "z" * 100_000 + ": 1}",
    )
    return _put(text, chance, chance.choice(values))


def _extended(text: str, chance: random.Random) -> str:
    return f"extends: {chance.choice(_FILES)}\n{text}"


_MUTATIONS: Final[Mapping[str, Callable[[str, random.Random], str]]] = {
    "types": _of(_VALUES),
    "numbers": _of(_NUMBERS),
    "tags": _of(_TAGS),
    "depth": _deep,
    "cycles": _cycle,
    "anchors": _anchors,
    "letters": _letters,
    "layout": _layout,
    "size": _large,
    "files": _extended,
}
KINDS: Final = tuple(_MUTATIONS)
