"""Profile features that other distributions add: one value an item, beside the packaged ones."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import ClassVar, Final

from orchestration_assets.plugins import (
    PluginGroup,
    PluginListing,
    list_plugins,
    made_plugin,
    usable_plugin,
)
from orchestration_assets.schemas.features import FEATURE_NAMES
from orchestration_assets.schemas.items import Item
from orchestration_assets.schemas.storable_values import whole_text

FeatureValue = str | int | float | bool
_TYPES: Final = (str, int, float, bool)
_PACKAGED: Final = frozenset(FEATURE_NAMES)
_LONGEST_TEXT: Final = 200
_INT64: Final = 2**63
_DECIMALS: Final = 6


class ProfileFeature(ABC):
    """One value of each item; a subclass gives :meth:`value`.

    ``value_type`` is str, int, float or bool; ``lower`` and ``upper`` bound numbers, None where the
    range is open. ``unit`` and ``meaning`` are for people.
    """

    name: ClassVar[str]
    value_type: ClassVar[type[FeatureValue]]
    meaning: ClassVar[str]
    unit: ClassVar[str] = ""
    lower: ClassVar[float | None] = 0
    upper: ClassVar[float | None] = None

    @abstractmethod
    def value(self, item: Item) -> FeatureValue | None:
        """The feature of an item with its text and packaged profile; None where it does not apply.

        A pure function of the item's text, path and profile: no clock, no chance, no network.
        What it raises leaves the item without this value, and says so. It is stopped where the
        item's time is used up.
        """


@dataclass(frozen=True, slots=True)
class LoadedFeature:
    """A feature of a plug-in; ``version`` tells when its values change, ``origin`` who made it."""

    feature: ProfileFeature
    version: str
    origin: str

    @property
    def name(self) -> str:
        """What policies call it."""
        return self.feature.name

    def value_problem(self, value: object) -> str | None:
        """Why a value is none of the feature, in words; None where it is one."""
        declared, lower, upper = self.feature.value_type, self.feature.lower, self.feature.upper
        fits = type(value) is declared or (declared is float and type(value) is int)
        if not fits:
            return f"gave a {type(value).__name__} instead of a {declared.__name__}"
        if isinstance(value, str):
            if len(value) > _LONGEST_TEXT:
                return f"gave a text of {len(value)} characters; {_LONGEST_TEXT} are allowed"
            return None if whole_text(value) == value else "gave a text with broken characters"
        if isinstance(value, bool):
            return None
        if isinstance(value, int) and not -_INT64 <= value < _INT64:
            return "gave a number beyond 64 bits"
        number = float(value) if isinstance(value, int | float) else 0.0
        if not isfinite(number):
            return f"gave {number}"
        if (lower is not None and number < lower) or (upper is not None and number > upper):
            return f"gave {number:g}, outside of its range from {lower} to {upper}"
        return None

    def stored(self, value: FeatureValue) -> FeatureValue:
        """The value as tables hold it: a float with six decimals, as packaged features."""
        return round(float(value), _DECIMALS) if self.feature.value_type is float else value


@cache
def added_feature(name: str) -> LoadedFeature:
    """The feature of a plug-in. Raises PluginError where there is no usable one of this name."""
    listed = feature_plugins()
    known = ", ".join(listed.usable) or "none"
    unknown = (
        f"no plug-in adds the profile feature {name!r} (installed: {known}); install the package "
        "that has it, or mend the name"
    )
    plugin = usable_plugin(listed, name, unknown)
    return LoadedFeature(*made_plugin(plugin, ProfileFeature, feature_problems), plugin.origin)


def added_features(names: Sequence[str]) -> tuple[LoadedFeature, ...]:
    """The features in this order. Raises PluginError."""
    return tuple(map(added_feature, names))


def feature_plugins() -> PluginListing:
    """The installed plug-ins that are profile features; none of them is imported."""
    return list_plugins(PluginGroup.FEATURES, _PACKAGED)


def feature_problems(name: str, feature: type[ProfileFeature]) -> Iterator[str]:
    """What keeps a class from being the feature ``name``, in words."""
    if getattr(feature, "value_type", None) not in _TYPES:
        yield "value_type is none of str, int, float and bool"
    meaning = getattr(feature, "meaning", None)
    if not (isinstance(meaning, str) and meaning.strip()):
        yield "meaning is no sentence"
    for bound in ("lower", "upper"):
        limit = getattr(feature, bound)
        if not (limit is None or (isinstance(limit, int | float) and isfinite(limit))):
            yield f"{bound} is neither a number nor None"
