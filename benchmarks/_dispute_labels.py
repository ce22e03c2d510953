"""Labels that readers gave to disputes, and what follows from them for those that were drawn."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np

from orchestration_assets.evidence.intervals import wilson
from orchestration_assets.evidence.label_free import pairwise_kappa
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.tables import DisagreementRow

EVERY_READER: Final = "all readers"


class DisputeLabelError(OrchestrationError):
    """A file of labels cannot be used; the message names file, line, field and remedy."""


class Informativeness(StrEnum):
    """How much a dispute tells whoever runs the pipeline: see ``dispute_guidelines.md``."""

    INFORMATIVE = "informative"
    ARGUABLE = "arguable"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class DisputeKey:
    """What a label is about: two answers to one task about one content, wherever it lies."""

    content_hash: str
    task: str
    service_a: str
    answer_a: str
    service_b: str
    answer_b: str

    @property
    def id(self) -> str:
        """16 hexadecimal digits that depend on nothing but the key."""
        parts = json.dumps(list(asdict(self).values()), ensure_ascii=True)
        return sha256(parts.encode()).hexdigest()[:16]


def key_of(row: DisagreementRow) -> DisputeKey:
    """The key of a row of the table ``disagreements``."""
    return DisputeKey(**{field.name: getattr(row, field.name) for field in fields(DisputeKey)})


Labels = Mapping[str, Mapping[DisputeKey, Informativeness]]
"""Reader -> dispute -> label."""


def read_labels(path: Path) -> Labels:
    """The labels in a file of JSON Lines; fields beside the eight of a label are passed over.

    Raises DisputeLabelError.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DisputeLabelError(
            f"{path}: cannot be read ({error}); give a JSON Lines file"
        ) from error
    found: dict[str, dict[DisputeKey, Informativeness]] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            reader, key, label = _label(f"{path}, line {number}", line)
            own = found.setdefault(reader, {})
            if key in own:
                raise DisputeLabelError(
                    f"{path}, line {number}: {reader} has labelled this dispute before; "
                    "leave one of the two rows"
                )
            own[key] = label
    return found


def _label(where: str, line: str) -> tuple[str, DisputeKey, Informativeness]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DisputeLabelError(f"{where}: no JSON ({error}); write one object a line") from error
    names = [*(field.name for field in fields(DisputeKey)), "reader", "label"]
    for name in names:
        if not isinstance(row, dict) or not isinstance(row.get(name), str):
            raise DisputeLabelError(f"{where}: field {name!r} is missing or no text; add it")
    if row["label"] not in list(Informativeness):
        raise DisputeLabelError(
            f"{where}: label {row['label']!r} is none of {', '.join(Informativeness)}"
        )
    reader = row["reader"]
    if not reader or reader == EVERY_READER:
        raise DisputeLabelError(f"{where}: {reader!r} cannot be the name of a reader; give another")
    key = DisputeKey(**{name: row[name] for name in names[:-2]})
    return reader, key, Informativeness(row["label"])


@dataclass(frozen=True, slots=True)
class LabelledShares:
    """What a reader says of disputes: how many of the ``drawn`` are labelled, and of these how
    many are informative, and informative or arguable."""

    reader: str
    drawn: int
    labelled: int
    informative: int
    arguable_too: int

    def figures(self) -> dict[str, Any]:
        """Counts, and shares of the labelled with 95 % Wilson intervals; None of nothing."""
        return {
            "reader": self.reader,
            "drawn": self.drawn,
            "without_label": self.drawn - self.labelled,
            "informative": self._share(self.informative),
            "informative_or_arguable": self._share(self.arguable_too),
        }

    def _share(self, count: int) -> dict[str, float] | None:
        if not self.labelled:
            return None
        low, high = wilson(count, self.labelled)
        return {"share": count / self.labelled, "low": low, "high": high}


def labelled_shares(drawn: Collection[DisputeKey], labels: Labels) -> list[LabelledShares]:
    """One for each reader, in the order of their names; with several readers one for them all.

    Of all readers: over the disputes that each of them labelled, and informative (or arguable)
    is what each of them calls so.
    """
    readers = sorted(labels)
    shares = [_shares(reader, drawn, [labels[reader]]) for reader in readers]
    if len(readers) > 1:
        shares.append(_shares(EVERY_READER, drawn, [labels[reader] for reader in readers]))
    return shares


def _shares(
    name: str,
    drawn: Collection[DisputeKey],
    labels: Collection[Mapping[DisputeKey, Informativeness]],
) -> LabelledShares:
    given = [{own[key] for own in labels} for key in drawn if all(key in own for own in labels)]
    informative = sum(label == {Informativeness.INFORMATIVE} for label in given)
    arguable_too = sum(Informativeness.NOISE not in label for label in given)
    return LabelledShares(name, len(drawn), len(given), informative, arguable_too)


@dataclass(frozen=True, slots=True)
class ReaderAgreement:
    """How far two readers agree on the disputes that both labelled.

    ``kappa`` is Cohen's, over the three labels without an order; None where it is undefined: both
    gave one and the same label throughout.
    """

    reader_a: str
    reader_b: str
    both: int
    same: int
    kappa: float | None


def agreements(drawn: Collection[DisputeKey], labels: Labels) -> list[ReaderAgreement]:
    """The agreement of each two readers who labelled some of the same of the drawn disputes."""
    order = list(Informativeness)
    found = []
    for reader_a, reader_b in combinations(sorted(labels), 2):
        given = [
            (order.index(labels[reader_a][key]), order.index(labels[reader_b][key]))
            for key in drawn
            if key in labels[reader_a] and key in labels[reader_b]
        ]
        if given:
            pairs = np.array(given)
            one_label = len(np.unique(pairs)) == 1
            kappa = None if one_label else float(pairwise_kappa(pairs, len(order))[0, 1])
            same = int((pairs[:, 0] == pairs[:, 1]).sum())
            found.append(ReaderAgreement(reader_a, reader_b, len(given), same, kappa))
    return found
