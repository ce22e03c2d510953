"""Regions of content in plain English: their names, exact conditions, and who is best there."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from orchestration_assets.schemas.feature_words import (
    FAMILY_NAMES,
    FEATURE_WORDS,
    GRAMMAR_NAMES,
    LANGUAGE_NAMES,
    FeatureTopic,
)
from orchestration_assets.selection.region_conditions import Condition, NumberRange, ValueSet
from orchestration_assets.selection.regions import ContentRegion, ContentRegions

EVERYTHING: Final = "all content"

# of what an item is, the first says most
_KINDS: Final = ("extension", "language_guess", "family")
_VALUE_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "family": FAMILY_NAMES,
    "language_guess": {**GRAMMAR_NAMES, "": "text without a grammar"},
    "prose_language": LANGUAGE_NAMES,
    "extension": {"": "files without an extension"},
}
_NONE_NAMES: Final = {"prose_language": "no known language"}
_CODE: Final = frozenset({FAMILY_NAMES["code"], *GRAMMAR_NAMES.values()})


def region_name(conditions: Sequence[Condition]) -> str:
    """A short name of the items of which all conditions hold, such as "short German prose"."""
    if not conditions:
        return EVERYTHING
    by_feature = {one.feature: one for one in conditions}
    kinds = [by_feature[name] for name in _KINDS if name in by_feature]
    positive = next((one for one in kinds if isinstance(one, ValueSet) and one.inside), None)
    outside = [one for one in kinds if isinstance(one, ValueSet) and not one.inside]
    behind = []
    if positive is not None:
        noun = _either(positive.feature, positive.values)
    elif outside and outside[0].seen:
        named = outside.pop(0)
        noun = _either(named.feature, named.seen)
    else:
        noun = "content" if outside else "text"
    behind += [f"other than {_either(one.feature, one.values)}" for one in outside]
    before, said = _language(by_feature.get("prose_language"), noun)
    lengths = [one for one in conditions if _topic(one) is FeatureTopic.LENGTH]
    if len(lengths) == 1 and isinstance(lengths[0], NumberRange) and lengths[0].over is None:
        before.insert(0, "short")
    elif lengths:
        behind.append(" and ".join(_phrase(one) for one in lengths))
    stand = {*_KINDS, "prose_language", *(one.feature for one in lengths)}
    behind += [*said, *(_phrase(one) for one in conditions if one.feature not in stand)]
    return " ".join([*before, noun, ", ".join(behind)]).rstrip()


def exact_condition(conditions: Sequence[Condition]) -> str:
    """The conditions by the features' own names, such as "family is prose, word_count at most
    40"."""
    return ", ".join(_exact(one) for one in conditions)


def _exact(condition: Condition) -> str:
    if isinstance(condition, ValueSet):
        values = " or ".join("none" if one is None else one or '""' for one in condition.values)
        return f"{condition.feature} is {'' if condition.inside else 'not '}{values}"
    ends = [
        f"{words} {_number(end)}"
        for words, end in (("over", condition.over), ("at most", condition.at_most))
        if end is not None
    ]
    unknown = " or unknown" if condition.unknown else ""
    return f"{condition.feature} {' and '.join(ends)}{unknown}"


def _topic(condition: Condition) -> FeatureTopic:
    return FEATURE_WORDS[condition.feature].topic


def _either(feature: str, values: Sequence[str | None]) -> str:
    return " or ".join(_value_name(feature, value) for value in values)


def _value_name(feature: str, value: str | None) -> str:
    if value is None:
        return _NONE_NAMES.get(feature, "none")
    other = f".{value} files" if feature == "extension" else value
    return _VALUE_NAMES.get(feature, {}).get(value, other)


def value_words(feature: str, value: float | bool | str | None) -> str:
    """One item's value of a feature in words, such as "34 words" or "German"."""
    words = FEATURE_WORDS[feature]
    if isinstance(value, bool):
        return words.phrase if value else f"no {words.phrase.removeprefix('a ')}"
    if isinstance(value, str) or (value is None and feature in _VALUE_NAMES):
        return _value_name(feature, value)
    scale = 100.0 if words.percent else 1.0
    number = "unknown" if value is None else _number(round(float(value) * scale, 1))
    amount = f"{number} %" if words.percent and value is not None else number
    phrase = _singular(words.phrase) if amount == "1" else words.phrase
    return phrase.format(amount).removeprefix("with ")


def _singular(phrase: str) -> str:
    """The phrase for an amount of one, such as "{} entry" for "{} entries"."""
    for many, one in (("sses", "ss"), ("ies", "y"), ("s", "")):
        singular, count = re.subn(rf"^((?:with )?{{}} \w+?){many}\b", rf"\g<1>{one}", phrase)
        if count:
            return singular
    return phrase


def _language(condition: Condition | None, noun: str) -> tuple[list[str], list[str]]:
    """What stands before the noun, and behind it."""
    if not isinstance(condition, ValueSet):
        return [], []
    written = "commented in" if noun in _CODE else "in"
    values = condition.values if condition.inside else condition.seen
    if not condition.inside and (not values or None in values):
        return [], [f"not {written} {_either(condition.feature, condition.values)}"]
    languages = _either(condition.feature, values)
    if None in values or noun in _CODE:
        return [], [f"{written} {languages}"]
    return [languages], []


def _phrase(condition: Condition) -> str:
    """A condition behind a noun, such as "with over 3 headings"."""
    words = FEATURE_WORDS[condition.feature]
    if isinstance(condition, ValueSet):
        true = condition.inside == ("true" in condition.values)
        return f"{'with' if true else 'without'} {words.phrase}"
    amount = _amount(condition, words.percent, counts=words.phrase.startswith("with {}"))
    length = words.topic is FeatureTopic.LENGTH and condition.at_most is not None
    return ("of " if length else "") + words.phrase.format(amount)


def _amount(condition: NumberRange, percent: bool, counts: bool) -> str:
    over, at_most = (
        None if end is None else f"{_number(100.0 * end)} %" if percent else _number(end)
        for end in (condition.over, condition.at_most)
    )
    if over is not None and at_most is not None:
        return f"{over} to {at_most}"
    if over is not None:
        return "some" if counts and condition.over == 0.0 else f"over {over}"
    return "no" if counts and condition.at_most == 0.0 else f"at most {at_most}"


def _number(value: float) -> str:
    """A number without noughts that say nothing, with thousands set apart."""
    return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) >= 0.001 else f"{value:g}"


def summary(found: ContentRegions) -> str:
    """Whether content tells which service to ask, in one sentence."""
    if found.differ:
        return (
            f"which service to ask depends on the content: {len(found.regions)} regions, found on "
            f"{found.found_on:,} items and measured on {found.measured_on:,} others"
        )
    if found.held:
        return (
            f"content tells the services apart, yet {found.services[found.overall.service]} is the "
            "one to ask everywhere"
        )
    return (
        "content does not tell the services apart: no difference that was looked for on "
        f"{found.found_on} items held on {found.measured_on} others"
    )


def region_sentence(found: ContentRegions, region: ContentRegion) -> str:
    """Who is best on the content of a region, and what the next service would add there."""
    best, other = region.service, region.next_service
    name, following = found.services[best], found.services[other]
    items = f"{region.items:,} such items" if region.conditions else f"{region.items:,} items"
    joined = "on" if found.graded else "of"
    result = f"{name} {result_words(found, region, best)} {joined} {items}"
    said = f"{region_name(region.conditions)}: {result}"
    if best == other:
        return said
    lead, dearer = region.leads[other], region.prices[other] - region.prices[best]
    if dearer > 0.0:
        more = f"adds {_score(-lead.mean)}" if round(-lead.mean, 2) > 0.0 else "adds nothing"
        return f"{said}; asking {following} too {more} for {usd(region.prices[other])} USD"
    saved = f" for {usd(-dearer)} USD less" if dearer < 0.0 else ""
    compared = f"{said}, {following} {result_words(found, region, other)}{saved}"
    if lead.high < 0.0:
        # the choice was made on other items and stays: one by these would flatter itself
        return f"{compared}: better on these items than the one to ask"
    return f"{compared}; too close to tell" if lead.low <= 0.0 else compared


def result_words(found: ContentRegions, region: ContentRegion, service: int) -> str:
    """How a service did on the items of a region, such as "is right 94 %"."""
    score = region.scores[service].mean
    return f"scores {_score(score)}" if found.graded else f"is right {100.0 * score:.0f} %"


def _score(value: float) -> str:
    """A score in [0, 1] without its nought, such as ".01"."""
    return f"{value:.2f}".removeprefix("0")


def usd(value: float) -> str:
    """A price to two digits that count, never in powers of ten."""
    return f"{value:,.2f}" if value >= 0.1 else f"{Decimal(f'{value:.2g}'):f}"
