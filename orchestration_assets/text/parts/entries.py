"""The entries of a list that another task answered, each as a part."""

from collections.abc import Sequence

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.parts import ItemPart
from orchestration_assets.schemas.record_answers import RecordAnswer, is_plain_entry, value_text


def entry_parts(
    text: str, answers: Sequence[tuple[str, Answer | None]], task: str, field: str
) -> list[ItemPart]:
    """One part an entry of the list, with its values as text, a line each; none without a list.

    The place of a part is where the words that the entry rests on stand, as the answer quotes them:
    exactly as in the content, and once; else it is not known.
    """
    answer = next((given for name, given in answers if name == task), None)
    entries = answer.get(field) if isinstance(answer, RecordAnswer) else None
    if not isinstance(answer, RecordAnswer) or not isinstance(entries, tuple):
        return []
    quotes = dict(answer.quotes)
    parts = []
    for number, entry in enumerate(entries):
        place = f"{field}[{number}]"
        own = [quote for path, quote in quotes.items() if path == place or _within(path, place)]
        start, end = _place(text, own)
        heading = f"{field} {number + 1}"
        parts.append(ItemPart(number + 1, len(entries), heading, _words(entry), start, end, start))
    return parts


def _within(path: str, place: str) -> bool:
    return path.startswith(f"{place}.")


def _words(entry: RecordAnswer) -> str:
    if is_plain_entry(entry):
        return value_text(entry.values[0][1])
    return "\n".join(f"{name}: {value_text(value)}" for name, value in entry.values)


def _place(text: str, quotes: Sequence[str]) -> tuple[int | None, int | None]:
    """The stretch from the first to the last of the quotes that stand in the text once."""
    found = [(text.find(quote), len(quote)) for quote in quotes if quote and text.count(quote) == 1]
    if not found:
        return None, None
    return min(place for place, _ in found), max(place + length for place, length in found)
