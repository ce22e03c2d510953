"""Tells random strings from words and identifiers."""

import re
from typing import Final

# the most frequent pairs of letters in words of European languages and identifiers of code
_COMMON_PAIRS: Final = frozenset(
    (
        "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le "
        "ve co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec "
        "pr no ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na "
        "ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab "
        "gh ty op wo sa ay ex ke fr oo av ag if ap gr od bo sp rd do uc bu ei ov by rm ep tt oc fa "
        "qu ys ry ip sk ki ok ck ub up um lu lt ls pt gu ds cu cr cl pu du mb ui ef rs ks"
    ).split()
)
# mean letters of a word; random strings of mixed case split into shorter pieces
_MIN_MEAN_WORD: Final = 3.0
_WORD: Final = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]")


def words_in(value: str) -> list[str]:
    """The words of an identifier or a text in lower case, split at signs, digits and capitals."""
    return [word.lower() for word in _WORD.findall(value)]


def is_random(value: str) -> bool:
    """Whether the letters of ``value`` do not form words.

    Digits between letters count against words; fewer than 6 letters and digits are never random.
    """
    letters = digits = common = pairs = transitions = 0
    before = ""
    for character in value:
        if "a" <= character <= "z" or "A" <= character <= "Z":
            letters += 1
            if before.isalpha():
                pairs += 1
                common += (before + character).lower() in _COMMON_PAIRS
                # from small to capital letter, as between the words of camelCase
                transitions += before.islower() and character.isupper()
            elif before.isdigit():
                transitions += 1
            before = character
        elif "0" <= character <= "9":
            digits += 1
            transitions += before.isalpha()
            before = character
        else:
            before = ""
    size = letters + digits
    if size < 6:
        return False
    if digits >= 3 and transitions >= 3:
        return True
    # of few pairs, words have uncommon ones too
    if pairs >= 4 and common < (0.5 if pairs >= 10 else 0.4) * pairs:
        return True
    words = len(_WORD.findall(value))
    return transitions * 3 > size or (words >= 4 and letters < _MIN_MEAN_WORD * words)
