"""The forms of English sentences that state something of something.

Copular clauses with their noun phrases (Quirk et al. 1985, A Comprehensive Grammar of the English
Language, 2.16 and 17.38: "the A of B is C", "B's A is C"), clauses of change and of having, and a
closed list of stative verbs (Vendler 1957, Verbs and Times), whose clauses hold until something
else is said. Apart from these, lines "key: value" of any language. Every pattern is anchored, and
every repetition is bounded.
"""

import re
from typing import Final

_WORD: Final = r"[\w&/#.'\u2019-]{1,40}?"
_DETERMINER: Final = r"(?:the|our|my|your|his|her|their|its|this|that|a|an)"
NOUNS: Final = rf"(?:{_DETERMINER} )?(?:{_WORD} ){{0,4}}?{_WORD}"
"""A noun phrase of at most six words, as few as there can be."""
_COPULA: Final = (
    r"(?:(?:(?:has|have) changed(?:,| and|;|:)? (?:it|they|that) )?(?:is|are|was|were|will be"
    r"|has been|have been|becomes|became|remains|stays|equals"
    r"|is going to be|should be|(?:has |have |was |were |is |are )?(?:been )?"
    r"(?:changed|moved|set|raised|lowered|increased|reduced|cut|postponed|pushed|switched|renamed"
    r"|rescheduled|updated|corrected) (?:back )?(?:from (?P<from>[^,;]{1,60}?) )?to)"
    r"(?: now| still| actually| currently| definitely| again)?|=)"
)
_OF: Final = r"(?:of|for|in|at|on|with)"
_GIVEN: Final = (
    r"(?: (?:they|we|you|he|she|i) (?:gave|sent|told|got|have|had|set|chose|picked|agreed|decided)"
    r"(?: (?:us|me|you|them|on))?)?"
)
_VERB_OF_CHANGE: Final = (
    r"(?:changed|moved|set|raised|lowered|increased|reduced|cut|postponed|pushed|switched|renamed"
    r"|rescheduled|updated|corrected|change|move|raise|lower|increase|reduce|postpone|push|switch"
    r"|rename|reschedule|update|correct)"
)
_STATIVE: Final = (
    r"(?:lives? (?:in|at|on)|lived in|works? (?:at|for|in|as|on)|likes?|loves?|prefers?|hates?"
    r"|needs?|wants?|owns?|drives?|speaks?|studies|study|teaches|teach|runs?|leads?|manages?"
    r"|belongs? to|costs?|weighs?|starts? (?:on|at|in)|ends? (?:on|at|in)|begins? (?:on|at|in)"
    r"|arrives? (?:on|at|in)|leaves? (?:on|at)|takes place (?:on|at|in)|moved to|moves to"
    r"|is called|is named|goes by"
    r"|is allergic to|am allergic to|are allergic to|is married to|comes from|stays (?:at|in)"
    r"|uses?|depends? on|contains?|supports?|requires?|reports? to)"
)
STATIVE: Final = re.compile(_STATIVE, re.IGNORECASE)
COPULAR: Final = re.compile(rf"{_COPULA}|am|have|'m|'re|'ve got|have got", re.IGNORECASE)
"""What is no attribute by itself: the clause says what its subject is."""
SINGLE_VALUED: Final = re.compile(
    r"(?:liv|work|start|end|begin|arriv|leav|tak|mov|cost|weigh|report|com|stay|lead)(?:e|es|s|ed)?\b"
    r"|is called|is named|goes by|is married",
    re.IGNORECASE,
)
"""Stative verbs of which a subject has one value at a time (functional relations, Lin et al. 2010,
Identifying Functional Relations in Web Text); of others, such as *likes*, several hold at once."""
MOVED: Final = re.compile(r"move[sd] to", re.IGNORECASE)
"""Says what *lives in* says."""
_VALUE: Final = r"(?P<value>\S.{0,160})"

PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # the deadline (that they gave us) of Atlas is 12 May
        rf"^(?:{_DETERMINER} )?(?P<attribute>(?:{_WORD} ){{0,3}}?{_WORD}){_GIVEN} {_OF} "
        rf"(?P<subject>{NOUNS}) {_COPULA} {_VALUE}$",
        # Atlas' deadline is 12 May
        rf"^(?P<subject>{NOUNS})(?:['\u2019]s|(?<=s)['\u2019]) "
        rf"(?P<attribute>(?:{_WORD} ){{0,3}}?{_WORD}) {_COPULA} {_VALUE}$",
        # my desk is B12
        rf"^(?P<subject>my|our|your|his|her|their|its) "
        rf"(?P<attribute>(?:{_WORD} ){{0,3}}?{_WORD}) {_COPULA} {_VALUE}$",
        # we agreed on 12 May as the deadline of Atlas; 12 May is the deadline of Atlas
        rf"^(?:(?:we|they|you|i) (?:have |all )?(?:agreed on|decided on|settled on|chose|picked"
        rf"|went with|will go with|are going with|confirmed) )(?P<value>.{{1,80}}?) "
        rf"(?:as|for|to be) "
        rf"(?:{_DETERMINER} )?(?P<attribute>(?:{_WORD} ){{0,3}}?{_WORD}) {_OF} "
        rf"(?P<subject>{NOUNS})[.!]?$",
        rf"^(?P<value>\S.{{0,80}}?) (?:is|are|was|will be) (?:now )?(?:the|our) "
        rf"(?P<attribute>(?:{_WORD} ){{0,3}}?{_WORD}) {_OF} (?P<subject>{NOUNS})[.!]?$",
        # they changed the deadline of Atlas from 12 May to 14 May
        rf"^(?:(?:we|they|you|i|he|she|someone|{NOUNS}) (?:have |has |had |just |finally |also )?"
        rf"(?:been )?)?{_VERB_OF_CHANGE} "
        rf"(?:{_DETERMINER} )?(?P<attribute>(?:{_WORD} ){{0,3}}?{_WORD}) {_OF} "
        rf"(?P<subject>{NOUNS}) (?:back )?(?:from (?P<from>[^,;]{{1,60}}?) )?to {_VALUE}$",
        rf"^(?:(?:we|they|you|i|he|she) (?:have |has |had |just |finally |also )?)"
        rf"{_VERB_OF_CHANGE} (?P<subject>{NOUNS}) (?:back )?"
        rf"(?:from (?P<from>[^,;]{{1,60}}?) )?to {_VALUE}$",
        # Atlas has 12 May as its deadline
        rf"^(?P<subject>{NOUNS}) (?:has|have|had|got|uses|takes) (?P<value>\S.{{0,80}}?) as "
        rf"(?:{_DETERMINER} )?(?P<attribute>(?:{_WORD} ){{0,3}}?{_WORD})[.!]?$",
        # Atlas - deadline: 12 May; Atlas: deadline = 12 May
        rf"^(?P<subject>{NOUNS})(?: [-\u2013\u2014/]|[:,]) "
        rf"(?P<attribute>(?:{_WORD} ){{0,3}}?{_WORD})(?: ?[=:]| is) {_VALUE}$",
        # Ann lives in Oslo
        rf"^(?P<subject>i|we|you|{NOUNS}) (?:now )?(?P<attribute>{_STATIVE}) {_VALUE}$",
        # Atlas has been cancelled; the review is on Monday
        rf"^(?P<subject>{NOUNS}) (?P<attribute>{_COPULA}) {_VALUE}$",
        rf"^(?P<subject>i|we) (?P<attribute>am|are|have|'m|'re|'ve got|have got) {_VALUE}$",
    )
)
"""Named groups: ``subject``, ``attribute``, ``value``, and ``from``, the value before. The first
that matches holds: those with most structure come first."""
KEY_VALUE: Final = re.compile(
    r"^\s{0,8}(?:[-*\u2022] )?(?P<attribute>[^\W_][^:=\n?!]{0,38}?)\s?[:=]\s{1,4}"
    r"(?P<value>\S.{0,160})$"
)
TOPIC: Final = re.compile(
    rf"\b(?:about|regarding|concerning|re:?|as for) (?P<topic>{NOUNS})"
    r"(?=[.,:;!]|$)",
    re.IGNORECASE,
)
ELLIPSIS: Final = re.compile(
    r"^(?:it|that|this)?(?:['\u2019]s| is| will be| was| should be)? ?"
    r"(?:make (?:it|that)|changed to|moved to|now|i meant)? ?(?P<value>\S.{0,80})$",
    re.IGNORECASE,
)
OPENING: Final = re.compile(
    r"^\W*(?:(?:hi|hello|hey)(?: (?:all|everyone|team|there))?|so|ok(?:ay)?|well|and|but|also|btw"
    r"|by the way|fyi|actually|correction|sorry|no|wait|oh|yes|please note(?: that)?|note(?: that)?"
    r"|i was wrong about (?P<topic_wrong>[^,:;]{1,60})"
    r"|(?:quick |small )?(?:update|news|note) (?:on|about) (?P<topic>[^,:;]{1,60})"
    r"|quick note(?: for \w{1,12})?|reminder|update|news|just checked|i just checked|i checked"
    r"|it (?:was|has been) (?:decided|agreed|confirmed) that|we (?:have )?(?:decided|agreed) that"
    r"|i think(?: that)?|as far as i know|afaik|in my notes|for the record|turns out(?: that)?"
    r"|they (?:said|say|told (?:me|us))(?: that)?|remember(?: that)?|please remember(?: that)?"
    r"|now|from now on|as of (?:today|now)|finally|good news|bad news)(?=[\s,:;!-])[\s,:;!-]*",
    re.IGNORECASE,
)
VALUE_END: Final = re.compile(
    r"[;!?]|[.,](?=\s|$)|\s[-\u2013\u2014]\s|\s\(|[,\s]\s?(?:but|because|so"
    r"|and (?:that|then|we|i|it|they)|which|instead of|rather than|not|please|by the way|btw|since"
    r"|as of|as its|as the|until further|no longer|unless|although|though|when|while|where|who"
    r"|yesterday|today|again|anymore|now"
    r"|from now on|if|for now|then)\b",
    re.IGNORECASE,
)
CLAUSES: Final = re.compile(
    r",? (?:and|but|while) "
    r"(?=(?:my|our|your|his|her|their|the) [^,;.]{1,60} (?:is|are|was|will be) )",
    re.IGNORECASE,
)
"""Between two main clauses of a sentence, each with a subject of its own."""
NO_KEYS: Final = frozenset(
    "note re ps fyi hi hello todo example e.g i.e http https ftp btw update correction warning "
    "edit question answer q a tl;dr reminder news quick actually sorry".split()
)
PRONOUNS: Final = frozenset(
    "it this that these those there here he she they them who what which where when why how one "
    "everything everyone everybody nothing nobody someone somebody something anyone "
    "anything".split()
)
NO_NAMES: Final = re.compile(
    r"^(?:i|we|you|it|they|he|she|them|there|this|that|who|what)\b"
    r"|\b(?:said|says|told|think|thinks|had|did|does|has|have|is|are|was|were|and|there)\b",
    re.IGNORECASE,
)
"""A subject or attribute with these is a clause that was read as a name."""
NOT_VALUES: Final = frozenset("it that this so what which who there here".split())
NO_STATE: Final = re.compile(
    r"(?:how|what|why|whether|that|to|when|if|who|where|being|going)\b"
    r"|\w+ed (?:for|by|on|at|in|to)\b",
    re.IGNORECASE,
)
"""A value that begins so is a clause, or what was done: "discussed for an hour"."""
DENIED: Final = re.compile(r"(?:not|no|never|neither|hardly|nowhere|none)\b", re.IGNORECASE)
"""A value that begins so is one that does not hold."""
UNTELLING: Final = frozenset(
    "the a an our my your his her their its this that new current final actual latest correct real "
    "of for in at on with is are am was were be been to".split()
)
"""Words that make no difference between two names of the same."""
