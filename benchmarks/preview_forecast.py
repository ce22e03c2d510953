"""What preview forecasts beside what a server really bills, over policies of different shapes.

Of each: half of a made corpus is run, the other half previewed and then run. The real cost is to
lie within the stated interval for nine policies of ten. Of the one that shows passages of a
handbook the interval before anything was seen is to hold too: what they take is known beforehand.
"""

import argparse
import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks._billing_server import LABELS, BillingServer, serving, unit
from benchmarks._output import table, write_json
from orchestration_assets.__main__ import main as orchestrate

LEAST_WITHIN: Final = 9
PASSAGES: Final = "passages"
"""The policy whose prompts show passages."""
_PRICE: Final = {"input_usd": 3.0, "output_usd": 15.0}
_PROMPT: Final = {
    "system": "{{ task.question }} Answer with one of: {{ labels | join(', ') }}.",
    "user": "{{ content }}{% for one in earlier %} {{ one.service }}: {{ one.answer }}{% endfor %}",
}
_SHOWING: Final = {
    **_PROMPT,
    "user": "{% for one in passages %}[{{ one.number }}] {{ one.document }}: {{ one.content }} "
    "{% endfor %}{{ content }}",
}
_SHOWN: Final = 3
_FILL: Final = tuple(
    "the order we sent last week has not come and nobody could tell me why".split()
)


def _choices() -> dict[str, dict[str, Any]]:
    """Name -> the choice of a policy; with ``share`` near-copies share, ``busy`` asks for pace."""
    all_three = {"model": "parallel", "services": ["small", "middle", "large"]}
    cascade = {"model": "sequential", "services": ["small", "middle", "large"], "stop_at": 0.9}
    two = {"model": "parallel", "services": ["small", "middle"]}
    one = {"model": "sequential", "services": ["large"]}
    judge = {"service": "judge"}
    route = {
        "task": "topic",
        "service": "small",
        "to": {"billing": one, "praise": {"model": "sequential", "services": ["middle"]}},
        "otherwise": two,
    }
    return {
        "one service": one,
        "parallel": all_three,
        "cascade": cascade,
        "chain": {"model": "sequential", "services": ["small", "large"], "chain": True},
        "judge on disagreement": {**two, "judge": judge},
        "escalation": {**cascade, "services": ["small", "middle"], "min_readings": 2,
                       "escalate": {"below": 0.8, "to": one}},
        "rounds": {"model": "iterative", "services": ["small", "middle"],
                   "rounds": {"first_chars": 400, "max_rounds": 3}},
        "route": {"model": "hybrid", "route": route},
        "graph and judge": {"model": "hybrid", "services": ["small", "middle", "large"],
                            "after": {"large": ["small", "middle"]},
                            "judge": {**judge, "when": "always"}},
        "near-copies, retries": {**cascade, "judge": judge},
        PASSAGES: two,
    }  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """``[--items N] [--json FILE]``"""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks preview_forecast", description=__doc__
    )
    parser.add_argument("--items", type=int, default=140, metavar="N", help="items a half")
    parser.add_argument("--sample", type=int, default=500, metavar="N", help="as of preview")
    parser.add_argument("--only", metavar="NAME", help="one policy")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    rows = []
    for name, choice in _choices().items():
        if given.only in (None, name):
            rows.append(measure(name, choice, given.items, given.sample))
            print(f"{name}: {rows[-1]}", file=sys.stderr, flush=True)
    columns = ("policy", "prior", "prior_within", "low", "forecast", "high", "real", "within")
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    print(table(f"US dollars, {given.items} items after {given.items}", columns, cells))
    within = sum(row["within"] for row in rows)
    print(f"\n{within} of {len(rows)} within the stated interval")
    write_json(given.json, {"rows": rows, "within": within})
    surprised = [row for row in rows if row["policy"] == PASSAGES and not row["prior_within"]]
    return 0 if within >= LEAST_WITHIN / 10 * len(rows) and not surprised else 1


def choice_of(name: str) -> dict[str, Any]:
    """The choice of a policy. Raises KeyError for one that is not there."""
    return _choices()[name]


def measure(name: str, choice: dict[str, Any], items: int, sample: int) -> dict[str, Any]:
    """One policy: the interval after half of the corpus, and what the other half cost then.

    ``prior`` is the interval before anything was seen; what is real is the server's own bill.
    """
    with tempfile.TemporaryDirectory() as folder, serving(*_PRICE.values()) as server:
        root = Path(folder)
        policy = root / "policy.yaml"
        shows = name == PASSAGES
        declared = _policy(server, choice, share=name.startswith("near"))
        policy.write_text(yaml.safe_dump(_showing(declared, root) if shows else declared))
        server.busy_share = 0.1 if name.startswith("near") else 0.0
        source = root / "source"
        source.mkdir()
        shared = [str(source), "--home", str(root / "home"), "--policy", str(policy), "--json"]
        _write(source / "first.jsonl", name, 0, items)
        if shows:
            _printed("job", "refresh_knowledge", *shared[1:5])
        before = _called("preview", *shared, "--sample", str(sample))
        _called("run", *shared)
        paid = server.billed
        _write(source / "second.jsonl", name, items, items)
        ahead = _called("preview", *shared, "--sample", str(sample))
        billed = server.billed
        _called("run", *shared)
        real = server.billed - billed
    return {
        "policy": name,
        "prior": f"{before['usd_low']:.4f}..{before['usd_high']:.4f}",
        "prior_within": before["usd_low"] <= paid <= before["usd_high"],
        "low": ahead["usd_low"],
        "forecast": ahead["usd"],
        "high": ahead["usd_high"],
        "real": real,
        "within": ahead["usd_low"] <= real <= ahead["usd_high"],
    }


def _policy(server: BillingServer, choice: dict[str, Any], *, share: bool) -> dict[str, Any]:
    def service(model: str) -> dict[str, Any]:
        return {
            "type": "openai_chat",
            "base_url": server.url,
            "model": model,
            "price": _PRICE,
            "prompt": _PROMPT,
            "retries": {"backoff_s": 0.01, "budget": 0.5},
        }

    records = {"files": "*.jsonl", "id": "id", "text": "text"}
    task = {"question": "What is it about?", "labels": list(LABELS), "default": choice}
    models = {"small": 70, "middle": 82, "large": 92, "judge": 95}
    return {
        "version": 2,
        "content": {"records": [records], "settle_s": 0},
        "features": {"share_answers": share},
        "services": {name: service(f"skill-{skill}") for name, skill in models.items()},
        "tasks": {"topic": task},
    }


def _showing(policy: dict[str, Any], root: Path) -> dict[str, Any]:
    """The policy with a handbook of sections of different lengths, and prompts that show them."""
    handbook = root / "handbook"
    handbook.mkdir()
    for n in range(24):
        length = 40 + int(160 * unit("handbook", n, "length"))
        words = [_FILL[int(unit("page", n, place) * len(_FILL))] for place in range(length)]
        (handbook / f"{LABELS[n % len(LABELS)]}{n}.md").write_text(
            f"# Of {LABELS[n % len(LABELS)]}\n\n{' '.join(words)}.\n"
        )
    services = {name: {**one, "prompt": _SHOWING} for name, one in policy["services"].items()}
    tasks = {
        name: {**one, "passages": {"of": ["handbook"], "at_most": _SHOWN}}
        for name, one in policy["tasks"].items()
    }
    knowledge = {"handbook": {"source": str(handbook)}}
    return {**policy, "knowledge": knowledge, "services": services, "tasks": tasks}


def _write(path: Path, seed: str, first: int, items: int) -> None:
    """Tickets of very different lengths; of near-copies a fifth repeats the one before."""
    lines, text = [], ""
    for n in range(first, first + items):
        if not (seed.startswith("near") and text and unit(seed, n, "copy") < 0.2):
            text = _ticket(seed, n)
        lines.append(json.dumps({"id": f"t{n}", "text": f"{text} No {n}."}))
    path.write_text("\n".join(lines) + "\n")


def _ticket(seed: str, n: int) -> str:
    length = 20 + int(300 * unit(seed, n, "length") ** 3)
    label = LABELS[int(unit(seed, n, "label") * len(LABELS))]
    words = [_FILL[int(unit(seed, n, place) * len(_FILL))] for place in range(length)]
    for place in range(0, length, 9):
        words[place] = label
    return " ".join([f"Ticket {n}:", *words])


def _called(*arguments: str) -> Any:
    return json.loads(_printed(*arguments))


def _printed(*arguments: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = orchestrate(arguments)
    if code not in (0, 1) or not out.getvalue():
        raise RuntimeError(f"orchestrate {arguments[0]} ended with {code}: {err.getvalue()}")
    return out.getvalue()


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
