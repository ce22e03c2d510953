"""What services learn of long conversations within their window, beside simpler ways to show them.

Seeded dialogues of 200 to 2,000 messages in five domains state facts, change them, contradict them
and mention what resembles them; questions in the middle and at the end need one or two of them. A
scripted reader that has nothing but what is shown looks for them. The forms of sentences were
chosen on the seeds and wordings of ``--tuning``. The wordings held out were written before them and
have been measured since; the blind ones are those that count: whoever wrote them had not seen the
rules, and nothing was chosen on them.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks._dialogue_facts import COUNTED, found_facts
from benchmarks._dialogue_forms import LOOKED_AT
from benchmarks._dialogue_forms_blind import BLIND
from benchmarks._dialogue_forms_held_out import HELD_OUT
from benchmarks._dialogue_reader import Read, read
from benchmarks._dialogue_words import Forms
from benchmarks._dialogues import Dialogue, DialogueQuestion, dialogue
from benchmarks._output import table, write_json
from orchestration_assets.conversations.fold import ThreadMemory, nothing
from orchestration_assets.conversations.relevance import GrowingIndex
from orchestration_assets.features.vectors import hashed_words
from orchestration_assets.schemas.conversation_config import ConversationConfig
from orchestration_assets.schemas.conversations import Message
from orchestration_assets.text.prompts.shown_memory import shown_memory
from orchestration_assets.text.token_estimates import token_estimate

WINDOWS: Final = (2_000, 8_000, 32_000)
UNLIMITED: Final = 10_000_000
_TUNING_SEED: Final = 1
_REPORTED_SEED: Final = 1_001


@dataclass(frozen=True)
class Asked:
    """What was read for one question in one way within one window."""

    way: str
    window: int
    kind: str
    reads: tuple[Read, ...]
    tokens: int


class Prepared:
    """A dialogue as the ways of showing it need it."""

    def __init__(self, given: Dialogue) -> None:
        self.lines = [f"[{one.number}] {one.speaker}: {one.text}" for one in given.messages]
        self.tokens = [token_estimate(line) for line in self.lines]
        self.index = GrowingIndex()
        for line in self.lines:
            self.index.add(line)
        self.vectors = hashed_words(self.lines)
        self.memories = _memories(given)


Shows = Callable[[Prepared, DialogueQuestion, int], str]


def main(arguments: Sequence[str]) -> int:
    """``[--dialogues N] [--tuning] [--json FILE]``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=__doc__)
    parser.add_argument("--dialogues", type=int, default=20, help="of each set of wordings")
    parser.add_argument(
        "--tuning", action="store_true", help="the seeds and wordings that rules were chosen on"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    sets = {"wordings looked at": LOOKED_AT}
    if not given.tuning:
        sets["wordings held out before"] = HELD_OUT
        sets["blind wordings"] = BLIND
    first = _TUNING_SEED if given.tuning else _REPORTED_SEED
    for name, forms in sets.items():
        seeds = range(first, first + given.dialogues)
        asked = measured(seeds, forms)
        facts = found_facts(dialogue(seed, forms) for seed in seeds)
        figures[name] = {"recall": recall(asked), "kinds": by_kind(asked), "facts": facts}
        _print(name, figures[name])
    figures["fold"] = fold_speed()
    print(table("A thread of 5,000 messages", ("figure", "value"), list(figures["fold"].items())))
    write_json(given.json, figures)
    return 0


def measured(
    seeds: Sequence[int], forms: Forms, ways: Mapping[str, Shows] | None = None
) -> list[Asked]:
    """What is read for every question of the dialogues, in every way and window."""
    found = []
    for seed in seeds:
        talk = dialogue(seed, forms)
        prepared = Prepared(talk)
        for question in talk.questions:
            for way, shows in (ways or WAYS).items():
                for window in (*WINDOWS, UNLIMITED):
                    shown = shows(prepared, question, window)
                    reads = tuple(read(shown, need) for need in question.needs)
                    found.append(Asked(way, window, question.kind, reads, token_estimate(shown)))
    return found


def recall(asked: Sequence[Asked]) -> list[dict[str, Any]]:
    """The share of needed facts that were known, of questions all of whose facts were, and, of the
    facts that had changed, of those whose newer value was taken; by way and window."""
    rows = []
    for way, window in dict.fromkeys((one.way, one.window) for one in asked):
        own = [one for one in asked if (one.way, one.window) == (way, window)]
        reads = [fact for one in own for fact in one.reads]
        updates = [fact for one in own if one.kind == "updated" for fact in one.reads]
        rows.append(
            {
                "way": way,
                "window": window,
                "facts": statistics.fmean(one.known for one in reads),
                "questions": statistics.fmean(all(f.known for f in one.reads) for one in own),
                "newer": statistics.fmean(one.known for one in updates) if updates else None,
                "outdated": statistics.fmean(one.outdated for one in updates) if updates else None,
                "tokens": statistics.fmean(one.tokens for one in own),
            }
        )
    return rows


def by_kind(asked: Sequence[Asked], window: int = WINDOWS[1]) -> dict[str, dict[str, float]]:
    """Recall of facts by kind of question within one window; of contradictions, both sides."""
    found: dict[str, dict[str, float]] = {}
    for one in asked:
        found.setdefault(one.way, {}).setdefault(one.kind, 0.0)
    for way, kinds in found.items():
        for kind in kinds:
            own = [a for a in asked if (a.way, a.kind, a.window) == (way, kind, window)]
            kinds[kind] = statistics.fmean(
                fact.both and (fact.known or kind == "contradicted")
                for one in own
                for fact in one.reads
            )
    return found


def fold_speed(messages: int = 5_000) -> dict[str, float]:
    """Processor seconds of folding a long thread, and of one question about it."""
    talk = [one for seed in range(10) for one in dialogue(seed, LOOKED_AT).messages]
    while len(talk) < messages:
        talk += talk
    began = time.process_time()
    memory = nothing(ConversationConfig())
    for number, one in enumerate(talk[:messages], start=1):
        memory = memory.remember(Message(one.item_id, number, one.text, one.speaker))
    folded = time.process_time() - began
    began = time.process_time()
    for one in talk[:20]:
        memory.pieces(one.text)
    asked = (time.process_time() - began) / 20
    return {"messages": messages, "fold_cpu_s": folded, "question_cpu_ms": 1000.0 * asked}


def _memories(given: Dialogue) -> dict[int, ThreadMemory]:
    wanted = {one.after for one in given.questions}
    memories: dict[int, ThreadMemory] = {}
    memory = nothing(ConversationConfig())
    for message in given.messages:
        memory = memory.remember(message)
        if message.number in wanted:
            memories[message.number] = memory
    return memories


def _memory(prepared: Prepared, question: DialogueQuestion, tokens: int) -> str:
    pieces = prepared.memories[question.after].pieces(question.text)
    return str(shown_memory(pieces, (), tokens).values["text"])


def _last(prepared: Prepared, question: DialogueQuestion, tokens: int) -> str:
    return _that_fit(prepared, range(question.after - 1, -1, -1), tokens)


def _beginning(prepared: Prepared, question: DialogueQuestion, tokens: int) -> str:
    return _that_fit(prepared, range(question.after), tokens)


def _ends(prepared: Prepared, question: DialogueQuestion, tokens: int) -> str:
    first = _that_fit(prepared, range(question.after), tokens // 2)
    shown = len(first.splitlines())
    rest = range(question.after - 1, shown - 1, -1)
    return f"{first}\n{_that_fit(prepared, rest, tokens - tokens // 2)}"


def _by_words(prepared: Prepared, question: DialogueQuestion, tokens: int) -> str:
    scores = prepared.index.scores(question.text, question.after)
    return _that_fit(prepared, np.argsort(-scores, kind="stable").tolist(), tokens)


def _by_vectors(prepared: Prepared, question: DialogueQuestion, tokens: int) -> str:
    scores = prepared.vectors[: question.after] @ hashed_words([question.text])[0]
    return _that_fit(prepared, np.argsort(-scores, kind="stable").tolist(), tokens)


def _that_fit(prepared: Prepared, order: Sequence[int], tokens: int) -> str:
    """The first lines of the order that fit, in the order of the dialogue."""
    chosen = []
    for place in order:
        tokens -= prepared.tokens[place]
        if tokens < 0:
            break
        chosen.append(place)
    return "\n".join(prepared.lines[place] for place in sorted(chosen))


WAYS: Final[dict[str, Shows]] = {
    "memory": _memory,
    "last messages": _last,
    "cut to its beginning": _beginning,
    "cut to both ends": _ends,
    "messages found by words": _by_words,
    "messages found by vectors": _by_vectors,
}


def _print(name: str, figures: Mapping[str, Any]) -> None:
    header = ("way", "window", "facts", "questions", "newer", "outdated", "tokens")
    rows = [
        [
            row["way"],
            "all" if row["window"] == UNLIMITED else f"{row['window']:,}",
            *list(row.values())[2:],
        ]
        for row in figures["recall"]
    ]
    print(table(f"Needed facts that are known: {name}", header, rows))
    kinds = sorted({kind for of_way in figures["kinds"].values() for kind in of_way})
    rows = [
        [way, *(of_way.get(kind, 0.0) for kind in kinds)]
        for way, of_way in figures["kinds"].items()
    ]
    print(table(f"By kind of question, within {WINDOWS[1]:,} tokens", ("way", *kinds), rows))
    rows = [[name, figures["facts"][name]] for name in COUNTED]
    print(table("Facts found by the offline rules", ("figure", "value"), rows))
