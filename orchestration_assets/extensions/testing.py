"""The contracts of profile features and of kinds of answer as tests, for plug-ins of one's own.

A plug-in subclasses :class:`FeatureContract` or :class:`KindContract` in its own tests, and pytest
collects what is inherited. Nothing here needs pytest: every check is a plain assertion.
"""

from itertools import product
from typing import ClassVar, Final

from orchestration_assets.extensions.features import LoadedFeature, added_feature
from orchestration_assets.extensions.kinds import LoadedKind, own_kind
from orchestration_assets.schemas.answers import Answer, fits
from orchestration_assets.schemas.items import Item, Task
from orchestration_assets.text.awkward import AWKWARD_TEXTS

_NEARLY: Final = 1e-9


class FeatureContract:
    """What every profile feature keeps, whatever it is shown; a subclass says which it is.

    ``feature`` is its name, and ``telling`` a text, below ``path``, that it has a value of.
    """

    feature: ClassVar[str]
    telling: ClassVar[str]
    path: ClassVar[str] = "a.txt"

    def loaded(self) -> LoadedFeature:
        """The feature, as a run loads it."""
        return added_feature(self.feature)

    def item(self, text: str, family: str = "prose") -> Item:
        """An item with this text."""
        return Item("item", "hash", self.path, text, {"family": family})

    def test_has_a_value_of_a_telling_text(self) -> None:
        loaded = self.loaded()
        value = loaded.feature.value(self.item(self.telling))
        assert value is not None
        assert loaded.value_problem(value) is None

    def test_keeps_to_type_and_range_on_awkward_texts(self) -> None:
        loaded = self.loaded()
        for text in (*AWKWARD_TEXTS, self.telling):
            value = loaded.feature.value(self.item(text))
            problem = None if value is None else loaded.value_problem(value)
            assert problem is None, f"{problem} of {text[:40]!r}"

    def test_says_the_same_again(self) -> None:
        feature = self.loaded().feature
        for text in (*AWKWARD_TEXTS, self.telling):
            first, second = (feature.value(self.item(text)) for _ in range(2))
            assert first == second, repr(text[:40])


class KindContract:
    """What every kind of answer keeps; a subclass says which kind, and gives unequal ``answers`` of
    it, at least two."""

    kind: ClassVar[str]
    answers: ClassVar[tuple[Answer, ...]]

    def loaded(self) -> LoadedKind:
        """The kind, as a run loads it."""
        return own_kind(self.kind)

    def task(self) -> Task:
        """A task with answers of the kind."""
        found = self.loaded()
        return Task("task", "1", found.kind.base, own_kind=self.kind, question="What is it?")

    def test_takes_its_answers(self) -> None:
        found = self.loaded()
        assert len(set(self.answers)) >= 2
        for answer in self.answers:
            assert fits(answer, found.kind.base)
            assert found.problem(answer, self.task()) is None

    def test_distances_are_symmetric_and_between_0_and_1(self) -> None:
        kind, task = self.loaded().kind, self.task()
        for first, second in product(self.answers, repeat=2):
            apart = kind.distance(first, second, task)
            assert 0.0 <= apart <= 1.0
            assert abs(apart - kind.distance(second, first, task)) < _NEARLY
            assert apart == kind.distance(first, second, task)
            assert first != second or apart == 0.0

    def test_what_stands_is_an_answer(self) -> None:
        found, task = self.loaded(), self.task()
        for first, second in product(self.answers, repeat=2):
            stands = found.standing([(first, 0.9), (second, 0.4)], task)
            assert fits(stands, found.kind.base)
            assert found.problem(stands, task) is None
            if first == second:
                assert found.distance(stands, first, task) == 0.0

    def test_says_what_a_difference_changes(self) -> None:
        found, task = self.loaded(), self.task()
        for first, second in product(self.answers, repeat=2):
            if first != second:
                assert found.difference(first, second, task).sentence
                found.exclusive(first, second, task)
