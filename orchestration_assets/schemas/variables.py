"""Names of environment variables, told from the secrets that people paste in their place."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
# a word of a name: short, or letters with a small number behind them
_WORD: Final = re.compile(r"[A-Za-z0-9]{0,6}|[A-Z]{1,20}[0-9]{0,3}|[A-Z]?[a-z]{1,20}[0-9]{0,3}")
_CAMEL: Final = re.compile(r"([A-Z]{1,6}|[A-Z]?[a-z]{1,14}){1,6}[0-9]{0,3}")
_KEY_STARTS: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|pk|rk|hf|gsk|xai|ghp|gho|ghu|ghs|ghr|glpat|xox[a-z])[_-](?=[a-z_-]*[A-Z0-9])[\w-]{8,}"
    r"|(?:AKIA|ASIA|AIza|eyJ)[\w-]{12,}|github_pat_\w+)"
)
_CAMEL_LENGTH: Final = 20


def looks_like_secret(text: str) -> bool:
    """Whether a text is put together like a key, not like a name made of words.

    Words are separated by underscores, dots, dashes, slashes or blanks. Names of any language
    count as words; a run of more than 15 characters that mixes letters and digits does not.
    """
    if _KEY_STARTS.search(text) or "://" in text:
        return True
    return any(_is_random(word) for word in re.split(r"[\s_./:,;=-]+", text))


def begins_like_key(text: str) -> bool:
    """Whether a text begins as issued keys do, such as sk- with letters and digits behind it."""
    return _KEY_STARTS.match(text) is not None


def _is_random(word: str) -> bool:
    if len(word) > 40:
        return True
    mixed = any(map(str.isdigit, word)) and any(map(str.isalpha, word))
    return len(word) > 15 and mixed


def _checked(text: str) -> str:
    """The name as it is. Raises ValueError, whose message holds nothing of the text."""
    if "://" in text:
        raise ValueError(
            "that looks like the address itself: put it in an environment variable and name the "
            "variable here"
        )
    if not is_variable_name(text):
        raise ValueError(
            "that looks like a key itself: put it in an environment variable and name the variable "
            "here (letters, digits and underscores)"
        )
    return text


def is_variable_name(text: str) -> bool:
    """Whether this is the name of an environment variable, and no key that looks like one."""
    if not _NAME.fullmatch(text) or _KEY_STARTS.fullmatch(text):
        return False
    if len(text) <= _CAMEL_LENGTH and _CAMEL.fullmatch(text):
        return True
    return all(_WORD.fullmatch(word) for word in text.split("_"))


VariableName = Annotated[
    str,
    AfterValidator(_checked),
    WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": 100}),
]
"""A field that names an environment variable; what it refuses it does not quote."""
