"""How two services label the same items: their answers against each other, beyond chance."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.evidence.chance_agreement import Kappa, cohen_kappa
from orchestration_assets.evidence.standing import Roles
from orchestration_assets.schemas.decoding import values
from orchestration_assets.schemas.enums import Status

_LABELS: Final = 8
_NONE: Final = -1


@dataclass(frozen=True, slots=True)
class PairConfusion:
    """The labels of two services on the items that both labelled without knowing the other's.

    ``same``: on how many of the ``both`` items they gave the same label. ``labels``: those given
    most often by the two; ``counts`` has a row for each label of ``a`` and a column for each of
    ``b``, and where there are ``more`` labels a last row and column for all of them.
    """

    a: str
    b: str
    both: int
    same: int
    kappa: Kappa | None
    labels: tuple[str, ...]
    more: int
    counts: tuple[tuple[int, ...], ...]


def built_on_each_other(answered: pa.Table) -> Iterator[tuple[str, str, str]]:
    """(item, service, service) in the order of names where one of both knew the other's answer:
    whoever was shown an answer cannot contradict it. Members of a panel, who know each other's,
    can; but who moved to the other's answer and holds it does not agree with it by itself."""
    shown = answered.filter(pc.greater(pc.list_value_length(answered.column("saw")), 0))
    concerned = pc.is_in(answered.column("item_id"), value_set=pc.unique(shown.column("item_id")))
    saw_of: dict[str, dict[str, list[str]]] = {}
    for item, service, saw in values(answered.filter(concerned), "item_id", "service", "saw"):
        saw_of.setdefault(item, {})[service] = saw
    followed = set(_followed(answered))
    for item, saw in saw_of.items():
        roles = Roles(saw=saw)
        for a, b in combinations(sorted(saw), 2):
            if not roles.apart(a, b) or (item, a, b) in followed:
                yield item, a, b


def _followed(answered: pa.Table) -> Iterator[tuple[str, str, str]]:
    """(item, service, service) where one of a panel moved to what the other still answers."""
    moved = answered.filter(pc.is_valid(answered.column("follows")))
    concerned = pc.is_in(answered.column("item_id"), value_set=pc.unique(moved.column("item_id")))
    said = {
        (item, service): answer
        for item, service, answer in values(
            answered.filter(concerned), "item_id", "service", "answer"
        )
    }
    for item, service, whose in values(moved, "item_id", "service", "follows"):
        for other in whose:
            if said.get((item, other)) == said[item, service]:
                yield item, min(service, other), max(service, other)


def pair_confusions(
    services: tuple[str, ...], interpretations: pa.Table
) -> tuple[PairConfusion, ...]:
    """Every pair of ``services``, sorted by name, that both labelled an item; of the final
    interpretations of one label task. The pair that agrees least beyond chance comes first."""
    answered = interpretations.filter(pc.equal(interpretations["status"], Status.OK.value))
    items = answered["item_id"].combine_chunks().dictionary_encode()
    labels = answered["answer"].combine_chunks().dictionary_encode()
    names = labels.dictionary.to_pylist()
    given = np.full((len(items.dictionary), len(services)), _NONE, dtype=np.int64)
    place = {name: number for number, name in enumerate(services)}
    columns = [place[name] for name in answered["service"].to_pylist()]
    given[items.indices.to_numpy(), columns] = labels.indices.to_numpy(zero_copy_only=False)
    item_of = {item: number for number, item in enumerate(items.dictionary.to_pylist())}
    shown: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for item, a, b in built_on_each_other(answered):
        shown[a, b].append(item_of[item])
    found = []
    for a, b in combinations(services, 2):
        first, second = given[:, place[a]], given[:, place[b]]
        both = (first != _NONE) & (second != _NONE)
        both[shown[a, b]] = False
        codes, counts = np.unique(first[both] * len(names) + second[both], return_counts=True)
        said = {
            (names[code // len(names)], names[code % len(names)]): int(count)
            for code, count in zip(codes.tolist(), counts, strict=True)
        }
        if said:
            found.append(_confusion(a, b, said))
    return tuple(sorted(found, key=lambda one: (one.kappa.value if one.kappa else 1.0, one.a)))


def _confusion(a: str, b: str, said: dict[tuple[str, str], int]) -> PairConfusion:
    given: Counter[str] = Counter()
    for pair, count in said.items():
        for label in pair:
            given[label] += count
    every = sorted(given, key=lambda label: (-given[label], label))
    # a single label more needs no row for the rest
    shown = every if len(every) <= _LABELS + 1 else every[:_LABELS]
    size = len(shown) + (len(every) > len(shown))
    place = {label: number for number, label in enumerate(shown)}
    counts = [[0] * size for _ in range(size)]
    for (one, other), count in said.items():
        counts[place.get(one, size - 1)][place.get(other, size - 1)] += count
    return PairConfusion(
        a,
        b,
        both=sum(said.values()),
        same=sum(count for (one, other), count in said.items() if one == other),
        kappa=cohen_kappa(said),
        labels=tuple(shown),
        more=len(every) - len(shown),
        counts=tuple(map(tuple, counts)),
    )
