"""The words of a sentence that may tell what it is about: without those of the closed classes.

Of English the closed classes are left out (Quirk et al. 1985, 2.34: determiners, pronouns,
prepositions, conjunctions, auxiliaries), with the commonest verbs and adverbs that go with anything
(light verbs, Jespersen 1942); of other languages the function words that are listed of them.
"""

import re
from functools import lru_cache
from typing import Final

from orchestration_assets.conversations.sentence_cues import without_cues
from orchestration_assets.conversations.statements import telling_words
from orchestration_assets.text.function_words import ENGLISH, function_words, stop_words_for

_CLOSED: Final = (
    # determiners and pronouns
    "a an the this that these those each every either neither some any no none all both half "
    "such "
    "other others another same i me my mine myself we us our ours you your yours he him his "
    "she her "
    "hers it its they them their theirs who whom whose which what whatever one ones someone "
    "anyone "
    "everyone somebody anybody everybody something anything everything nothing nobody there "
    "here "
    # prepositions and conjunctions
    "about above across after against along among around as at before behind below beside "
    "besides "
    "between beyond but by concerning despite down during except for from in inside into like "
    "near "
    "of off on onto out over past per regarding re since than through till to toward towards "
    "under "
    "until up upon via with within without and or nor so yet because although though while "
    "whereas "
    "if unless whether when where why how once "
    # auxiliaries
    "am is are was were be been being do does did done doing have has had having can could "
    "may might "
    "must shall should will would ought need "
    # light verbs
    "get gets got getting give gives gave given go goes going went gone come comes came "
    "coming make "
    "makes made making put puts take takes took taken taking say says said saying tell tells "
    "told "
    "let lets see sees saw seen use uses used using keep keeps kept send sends sent want wants "
    "wanted know knows knew known think thinks thought ask asks asked look looks looked find "
    "found "
    # adverbs and interjections that go with anything
    "again also already always anyway back even ever far finally first further just last "
    "later least "
    "less lot maybe more most much many never not often ok okay only perhaps please pls quite "
    "rather "
    "really right soon still then thus today too usually very well yes yesterday yet hi hello "
    "hey "
    "thanks thank oh hm fyi btw ps thats thing things way bit sure fine good new old time times"
)
_LETTERS: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_HAS_DIGIT: Final = re.compile(r"\d")
_CLOSED_WORDS: Final = telling_words(_CLOSED) | frozenset(_CLOSED.split())


# a sentence is read with each of its values, and with its message
@lru_cache(maxsize=64)
def content_words(sentence: str) -> frozenset[str]:
    """The different content words of a sentence or message, lower-case, plurals as the singular;
    with them what has letters and digits, which may name something."""
    text = without_cues(sentence)
    plain = [word.casefold() for word in _LETTERS.findall(text)]
    english = function_words()[ENGLISH]
    stopped = telling_words(*(english | stop_words_for(plain)).intersection(plain))
    return frozenset(
        word
        for word in telling_words(text) - _CLOSED_WORDS - stopped
        if len(word) > 1 and not word.isdigit() and not _is_amount(word)
    )


def _is_amount(word: str) -> bool:
    """Whether a word is a number with marks: "1.200", "10-15"."""
    return bool(_HAS_DIGIT.search(word)) and not any(map(str.isalpha, word))
