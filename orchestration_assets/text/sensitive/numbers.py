"""Finds numbers of payment cards, bank accounts, telephones and social security."""

import re
from collections.abc import Iterator
from typing import Final

from orchestration_assets.text.sensitive.spans import Span, find_all, lowercase

_CARD: Final = re.compile(
    r"(?<![\w./#+])(?<!\d[ -])(?:\d{4}(?P<sign>[ -]?)\d{4}(?P=sign)\d{4}"
    r"(?P=sign)\d{1,4}(?:(?P=sign)\d{3})?"
    r"|\d{4}(?P<other>[ -]?)\d{6}(?P=other)\d{4,5})(?!\w|\.\d|[ -]\d|/)",
    re.ASCII,
)
# first figures -> how many figures a number has in all
_ISSUERS: Final = (
    (r"4", (13, 16, 19)),  # Visa
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
    (r"3[47]", (15,)),  # American Express
    (r"6011|64[4-9]|65", (16, 17, 18, 19)),  # Discover
    (r"62", (16, 17, 18, 19)),  # UnionPay
    (r"352[89]|35[3-8]", (16, 17, 18, 19)),  # JCB
    (r"30[0-5]|3095|3[689]", (14, 16)),  # Diners Club
    (r"5018|5020|5038|5893|6304|6759|676[1-3]", (13, 14, 15, 16, 17, 18, 19)),
    (r"220[0-4]", (16,)),  # Mir
)
_CARD_RANGES: Final = tuple((re.compile(first), frozenset(sizes)) for first, sizes in _ISSUERS)


def is_luhn_valid(number: str) -> bool:
    """Whether the Luhn check digit is right (ISO/IEC 7812-1); only digits count."""
    digits = [int(digit) for digit in number if digit.isdigit()][::-1]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def is_card(number: str) -> bool:
    """Whether a card issuer uses this number: by its prefix, length and check digit."""
    digits = "".join(digit for digit in number if "0" <= digit <= "9")
    if len(set(digits)) < 2 or not is_luhn_valid(digits):
        return False
    return any(len(digits) in sizes and first.match(digits) for first, sizes in _CARD_RANGES)


_MAYBE_CARD: Final = re.compile(rb"d(?:s?d){12,}")
_MAYBE_IBAN: Final = re.compile(rb"UUdd(?=(?:s?[Ud]){11})")
_MAYBE_SOCIAL_SECURITY: Final = re.compile(rb"ddd(?=sddsdddd)")
_GROUP: Final = re.compile(rb"d+")
_MAYBE_PHONE: Final = re.compile(rb"d(?:s{0,3}d){6,}")


def cards(text: str, mask: bytes) -> Iterator[Span]:
    """Numbers of payment cards.

    ``mask``, here and below: ``spans.character_classes`` of the text.
    """
    for run in _MAYBE_CARD.finditer(mask):
        for found in _CARD.finditer(text, run.start(), min(len(text), run.end() + 2)):
            if is_card(found.group()):
                yield found.span()


_IBAN: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])",
    re.ASCII,
)
# ISO 13616: country and the characters of its account numbers
_IBAN_LENGTHS: Final = {
    one[:2]: int(one[2:])
    for one in (
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 "
        "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 "
        "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 "
        "MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 "
        "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
    ).split()
}


def is_iban(plain: str) -> bool:
    """Whether the check digits of an account number without spaces are right: remainder 1
    modulo 97."""
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def ibans(text: str, mask: bytes) -> Iterator[Span]:
    """Account numbers of the length that their country gives them."""
    for maybe in _MAYBE_IBAN.finditer(mask):
        start = maybe.start()
        length = _IBAN_LENGTHS.get(text[start : start + 2])
        if length is None or text[start - 1 : start].isalnum():
            continue
        found = _IBAN.match(text, start)
        if found is None:
            continue
        end, plain = start, ""
        while end < found.end() and len(plain) < length:
            if text[end] not in " -":
                plain += text[end]
            end += 1
        if len(plain) == length and not text[end : end + 1].isalnum() and is_iban(plain):
            yield start, end


_SOCIAL_SECURITY: Final = re.compile(r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-])", re.ASCII)


def social_security_numbers(text: str, mask: bytes) -> Iterator[Span]:
    """US social security numbers, in the form that they are written in."""
    for maybe in _MAYBE_SOCIAL_SECURITY.finditer(mask):
        found = _SOCIAL_SECURITY.match(text, maybe.start())
        if found and found.group() != "000-00-0000":
            yield found.span()


# E.164: what countries' numbers begin with; North America's area codes begin with 2 to 9
_COUNTRY: Final = (
    r"(?:1(?=[ .(/-]{0,2}[2-9])|7|2[07]|2[1-69]\d|3[0-469]|3[578]\d|4[013-9]|42[0-3]|5[1-8]|5[09]\d"
    r"|6[0-6]|6[7-9]\d|8[1246]|8[0578]\d|9[0-58]|9[679]\d)"
)
_NOT_AFTER: Final = r"(?<![\w.+/-])(?<!\d[ (])"
_NOT_BEFORE: Final = r"(?<=\d)(?!\w|[.,:/-]\d|[ ]\d|-\w)"
_PHONE: Final = re.compile(
    rf"(?<![\w.+])(?:\+{_COUNTRY}[ .-]?(?:\(0?\d{{1,4}}\)[ .-]?)?\d(?:[ ./-]?\d){{5,13}}"
    rf"|00{_COUNTRY}[ -](?:\(0\)[ -]?)?\d(?:[ /-]?\d){{6,12}}){_NOT_BEFORE}"
    rf"|{_NOT_AFTER}(?:(?:\+?1[ .-]?)?\([2-9]\d\d\)[ .-]?\d{{3}}[ .-]\d{{4}}"
    r"|(?:1[ .-])?[2-9]\d\d(?P<sign>[ .-])[2-9]\d\d(?P=sign)\d{4}"
    r"|(?:8[ -]?)?\(0?\d{2,5}\)[ ]?\d{2,5}(?:[ -]\d{2,5}){1,3}|\(0\d{1,4}\)[ ]?\d{5,8}"
    r"|0[1-9]\d?(?P<dot>\.)\d\d\.\d\d\.\d\d\.\d\d"
    rf"|0[1-9]\d{{0,4}}(?:[ ]?/[ ]?|[ -])\d{{2,8}}(?:[ -]\d{{2,5}}){{0,4}}){_NOT_BEFORE}",
    re.ASCII,
)
_DATE: Final = re.compile(
    r"\(?\d{1,2}[ ./-]\d{1,2}[ ./-](?:19|20)\d\d|(?:19|20)\d\d[ ./-]\d\d?[ ./-]\d\d?\b", re.ASCII
)
_PHONE_WORDS: Final = (
    *("phone", "tel", "fon", "fax", "mobile", "cell", "whatsapp", "call", "dial", "sms", "handy"),
    *("hotline", "movil", "m\u00f3vil", "rufnummer", "kontakt", "contact", "reach", "ring"),
)
_NUMBER_AFTER_WORD: Final = re.compile(
    r"[a-z\u00e9]{0,6}(?:[_ -]?(?:number|no|num|nr|home|work|office|us|me|him|her|them|on|at|is|"
    r"the)\b){0,4}[\"'.]{0,2}(?:[ \t]{0,4}(?:[:=>]|is\b)[ \t\"']{0,4}|[ \t]{1,4}[(\"']?|\.[ \t]?)"
    r"(?P<number>[+(]{0,2}\d(?:[ ().\-/]{0,3}\d){6,14})(?!\w|[ .-]?\d)",
)


def phone_numbers(text: str, mask: bytes) -> Iterator[Span]:
    """Telephone numbers: in a typical form, or after a word such as *phone*."""
    runs = [maybe.span() for maybe in _MAYBE_PHONE.finditer(mask)]
    if not runs:
        return
    lower = lowercase(text)
    for word in _PHONE_WORDS:
        for place in find_all(lower, word):
            named = _NUMBER_AFTER_WORD.match(lower, place + len(word))
            if named and not _DATE.match(named["number"]):
                yield named.span("number")
    done = 0
    for first, last in runs:
        for group in _GROUP.finditer(mask, first, last):
            start = group.start()
            while start > done and group.start() - start < 2 and text[start - 1] in "+(":
                start -= 1
            found = _PHONE.match(text, start) if start >= done else None
            if found and _is_phone(found):
                done = found.end()
                yield found.span()


# social security numbers, and postal codes of the United States with their four more figures
_OTHER_NUMBERS: Final = re.compile(r"\d{3}-\d{2}-\d{4}|\d{5}-\d{4}", re.ASCII)


def _is_phone(match: re.Match[str]) -> bool:
    number = match.group()
    digits = sum(map(str.isdigit, number))
    if not 9 <= digits <= 15 or _DATE.match(number) or _OTHER_NUMBERS.fullmatch(number):
        return False
    plain = number.lstrip("+")
    if number[0] != "+":
        return digits <= 13
    if plain.isdigit():
        return digits == 11 if plain[0] == "1" else digits >= 10
    # a single point is that of a fraction
    return plain.count(".") != 1 or any(sign in plain for sign in " -/(")
