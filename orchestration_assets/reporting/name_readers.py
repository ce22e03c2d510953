"""Services that answer by the name of a file alone, as their answers tell."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

_TOLD_BY: Final = 3
"""Items of one extension that must have an answer before it tells anything."""


def name_readers(answers: Iterable[tuple[str, str, str]]) -> frozenset[str]:
    """Of (service, extension, label), the services whose label is settled by the extension.

    Each always says the same about all items of an extension, and other labels about other
    extensions. Two extensions at least must tell.
    """
    said: defaultdict[str, defaultdict[str, Counter[str]]]
    said = defaultdict(lambda: defaultdict(Counter))
    for service, extension, label in answers:
        if extension:
            said[service][extension][label] += 1
    found = set()
    for service, of_extension in said.items():
        known = [labels for labels in of_extension.values() if labels.total() >= _TOLD_BY]
        labels = {label for one in known for label in one}
        if all(len(one) == 1 for one in known) and len(labels) > 1:
            found.add(service)
    return frozenset(found)
