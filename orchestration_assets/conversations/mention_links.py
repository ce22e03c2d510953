"""Which earlier value a value takes the place of, where no name says what either is of.

Both are of the same sort, and their sentences share rare words. How far they do says whether the
later one supersedes the earlier one, or only may.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from orchestration_assets.conversations.topics import Topic, TopicWeights

CHANGED: Final = 0.62
"""From this likeness on a value supersedes the one before where words say that it changed."""
SAID_AGAIN: Final = 0.8
"""From this likeness on it does where the same speaker states both."""
PERHAPS: Final = 0.58
"""From this likeness on it may; both stand."""
RECOGNISED: Final = 0.45
"""From this likeness on an equal value is the same one, named again."""
UNNAMED: Final = 0.75
"""From this likeness on it may where the name of the earlier one is not said again, or both are
names: these are of many sorts."""
_SOUGHT_WORDS: Final = 8
_SOUGHT_PLACES: Final = 48
"""Of each of the rarest words so many values are looked at, the latest."""
_MOST_LIKENED: Final = 12
"""So many of those that share most words are compared in full."""


class Near(NamedTuple):
    """An earlier fact by its place in the ledger, and how far it is about the same."""

    likeness: float
    place: int


@dataclass(slots=True)
class MentionLinks:
    """The values in force by sort and by the words that they are about."""

    weights: TopicWeights = field(default_factory=TopicWeights)
    _holding: dict[tuple[str, str], dict[int, None]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def add(self, place: int, kind: str, topic: Topic) -> None:
        """Takes up a value."""
        for word in topic.all_words:
            self._holding[kind, word][place] = None

    def discard(self, place: int, kind: str, topic: Topic) -> None:
        """A value is no longer in force."""
        for word in topic.all_words:
            self._holding[kind, word].pop(place, None)

    def near(self, kind: str, topic: Topic, topic_of: Callable[[int], Topic]) -> list[Near]:
        """The values of a sort that are about the same, the closest first, of equal ones the
        latest."""
        found: Counter[int] = Counter()
        for word in self._rarest(topic.all_words):
            places = self._holding.get((kind, word), {})
            found.update(islice(reversed(places), _SOUGHT_PLACES))
        most = sorted(found, key=lambda place: (-found[place], -place))[:_MOST_LIKENED]
        nears = (Near(self.weights.likeness(topic, topic_of(place)), place) for place in most)
        return sorted((one for one in nears if one.likeness >= RECOGNISED), reverse=True)

    def _rarest(self, words: Iterable[str]) -> list[str]:
        return sorted(words, key=lambda one: (self.weights.held(one), one))[:_SOUGHT_WORDS]


def owners_differ(one: Topic, other: Topic) -> bool:
    """Whether each names somebody or something that the other does not, or one is a speaker's own
    and the other another's."""
    return (
        bool(one.owners - other.all_words and other.owners - one.all_words)
        or _of_another(one, other)
        or _of_another(other, one)
    )


def _of_another(own: Topic, other: Topic) -> bool:
    return own.of_speaker and not own.speaker <= other.all_words | other.speaker
