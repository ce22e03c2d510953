"""Table of taught services: what each learned of its teacher, what it promises, and its audits."""

from dataclasses import dataclass
from typing import Annotated, Final

from orchestration_assets.schemas.records import Column, table_of


@dataclass(frozen=True, slots=True)
class TaughtServiceRow:
    """One row a taught service: what came of the latest lessons, and what is in force."""

    service: Annotated[str, Column("taught service")]
    task: Annotated[str, Column("task that it was taught")]
    teacher: Annotated[str, Column("service whose answers it learned")]
    outcome: Annotated[
        str,
        Column(
            "promoted, unchanged (already in force), refused (nothing can be promised), suspended "
            "(its audits told against it) or none (too few lessons)"
        ),
    ]
    version: Annotated[str | None, Column("version in force")]
    words: Annotated[str, Column("what it promises, or why it does not answer, in words")]
    lessons: Annotated[int, Column("answers of the teacher to items that stand for all", "items")]
    further_lessons: Annotated[
        int, Column("answers to items that it passed on: learned from, not counted on", "items")
    ]
    promised: Annotated[float, Column("loss that the policy allows, of all items", "0..1")]
    guarantee: Annotated[str, Column("estimated or exact: which bound must keep the promise")]
    coverage: Annotated[float | None, Column("share of all items that it would answer", "0..1")]
    loss: Annotated[
        float | None,
        Column("share of all items that it would answer otherwise, as expected", "0..1"),
    ]
    loss_bound: Annotated[float | None, Column("its upper bound of 97.5 %, estimated", "0..1")]
    exact_bound: Annotated[
        float | None, Column("its upper bound of 97.5 % by counted errors alone", "0..1")
    ]
    differing: Annotated[
        int | None, Column("answers otherwise that were counted on held-out lessons", "items")
    ]
    audits: Annotated[int, Column("audited answers of the version in force", "items")]
    audits_differing: Annotated[int, Column("of them those that differ", "items")]
    evidence: Annotated[
        float, Column("evidence against the promise: 1 without any, suspended from 20 on", "odds")
    ]
    suspended: Annotated[bool, Column("whether it answers no more because of its audits")]


TAUGHT_SERVICES: Final = table_of("taught_services", TaughtServiceRow, ("service",))
