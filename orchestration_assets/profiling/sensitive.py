"""Counts of credentials and personal data in a text; the matches themselves are not returned.

A pattern runs only from the places where one of its literals stands, so a text without them costs
a search for a few short strings.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from orchestration_assets.text.sensitive.assigned_secrets import values_of_names
from orchestration_assets.text.sensitive.issued_tokens import TOKEN_PAIRS, is_token_at
from orchestration_assets.text.sensitive.key_blocks import PRIVATE_KEY
from orchestration_assets.text.sensitive.numbers import is_card

SECRET_CHARS: Final = 32_768
"""How much of a text is searched, in characters."""

# The most places of one literal that are examined.
_MAX_MATCHES: Final = 200
_MAX_TOKENS: Final = 1000

SECRET_CHARS_LEAST: Final = 13
"""The fewest characters that a credential has before its first point, in one run."""
PERSONAL_DIGITS_LEAST: Final = 9
"""The fewest digits in a number of a person's or of a card."""

# names of secrets that are written in one of these ways: the others are rare, and cost a search
_NAMES: Final = ("passw", "secret", "token", "api")

_KEY_MARK: Final = "-----BEGIN "
_MAIL = re.compile(
    r"@(?<=[\w.+-]@)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,5}\.[A-Za-z]{2,24}\b"
)
_PHONE = re.compile(r"\+\d{1,3}(?:[ .-]?\(?\d{2,4}\)?){2,4}(?!\d)")
_PERSONAL_SIGNS: Final = (("@", _MAIL), ("+", _PHONE))
_SOCIAL_SECURITY = re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9-])")
_CARD = re.compile(r"[0-9]{4}([ -]?)[0-9]{4,6}\1[0-9]{4,5}(?:\1[0-9]{1,4})?(?![0-9.-])")
# Before a number these say that it began earlier; nothing at all stands before the first.
_CONTINUES: Final = frozenset(".-")


def secret_count(text: str, long_tokens: Iterable[int]) -> int:
    """Places in ``text`` that look like a credential.

    ``long_tokens``: where runs of letters, digits, _ and - of at least
    :data:`SECRET_CHARS_LEAST` begin, in ``text``.
    """
    places = islice(long_tokens, _MAX_TOKENS)
    # only of these first characters a token can be made, and of dashes before it
    likely = [one for one in places if text[one : one + 2] in TOKEN_PAIRS or text[one] == "-"]
    count = sum([is_token_at(text, one) for one in likely])
    if _KEY_MARK in text:
        count += sum(1 for place in _places(text, _KEY_MARK) if PRIVATE_KEY.match(text, place))
    return count + sum(1 for _ in values_of_names(text, _NAMES, _MAX_MATCHES))


def personal_data_count(text: str, long_numbers: Iterable[int]) -> int:
    """Places in ``text`` that look like a person's data: addresses of mail, telephone numbers in
    their international form, US social security numbers, and numbers of payment cards whose check
    digit (Luhn, ISO/IEC 7812-1) is right.

    ``long_numbers``: where in ``text`` the last two may begin, see
    :meth:`orchestration_assets.profiling.characters.Characters.long_numbers`.
    """
    count = 0
    for sign, pattern in _PERSONAL_SIGNS:
        if sign in text:
            count += len(pattern.findall(_before_too_many(text, sign)))
    return count + sum(
        1 for place in islice(long_numbers, _MAX_MATCHES) if _is_personal(text, place)
    )


def _is_personal(text: str, place: int) -> bool:
    if text[max(place - 1, 0) : place] in _CONTINUES:
        return False
    if _SOCIAL_SECURITY.match(text, place):
        return True
    card = _CARD.match(text, place)
    return card is not None and is_card(card[0])


def _before_too_many(text: str, sign: str) -> str:
    """The text up to where one ``sign`` more stands than are examined; no match goes beyond one."""
    if text.count(sign) <= _MAX_MATCHES:
        return text
    return sign.join(text.split(sign, _MAX_MATCHES + 1)[:-1])


def _places(text: str, literal: str) -> Iterator[int]:
    place = text.find(literal)
    for _ in range(_MAX_MATCHES):
        if place < 0:
            return
        yield place
        place = text.find(literal, place + len(literal))
