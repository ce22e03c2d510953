"""The profile's features: name, type, unit, range, and the formula of each. Data only.

Counts, where an item is longer than what the profile reads, are of the part read, scaled up to
the whole; shares, means, maxima and densities are of the part read: sections of it for features of
text and structure, its beginning for those of a grammar. Words: a run of letters and
digits with inner apostrophes is one word; each Chinese or Japanese character is one word. "Prose"
is the natural language in the item: all of a prose text, a markup text without code and tags, the
comments and docstrings of code, nothing of data. A Jupyter notebook is read as a markdown document
with its code cells in fences; only its size is that of the file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from orchestration_assets.schemas.enums import FeatureFamily
from orchestration_assets.schemas.records import Column


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature. ``source`` is the reference of its formula, empty when the formula is ours.

    ``lower`` and ``upper`` bound the values, None where the range is open. Only a ``nullable``
    feature may be None: it does not apply to the item, or the deadline cut it.
    """

    name: str
    family: FeatureFamily
    type: type[str] | type[int] | type[float] | type[bool]
    unit: str
    meaning: str
    source: str = ""
    lower: float | None = 0
    upper: float | None = None
    nullable: bool = True


# The basic features are never cut, so they are never None.
_basic: Final[Callable[..., Feature]] = partial(Feature, family=FeatureFamily.BASIC, nullable=False)
_text: Final[Callable[..., Feature]] = partial(Feature, family=FeatureFamily.TEXT)
_structure: Final[Callable[..., Feature]] = partial(Feature, family=FeatureFamily.STRUCTURE)
_code: Final[Callable[..., Feature]] = partial(Feature, family=FeatureFamily.CODE)
_score: Final[Callable[..., Feature]] = partial(
    Feature, family=FeatureFamily.SCORE, type=float, unit="", upper=1
)

_FLESCH = "Flesch 1948, A new readability yardstick, J. Applied Psychology 32(3)"
_MTLD = "McCarthy and Jarvis 2010, MTLD, vocd-D, and HD-D, Behavior Research Methods 42(2)"
_GOPHER = "Rae et al. 2021, Scaling language models, arXiv 2112.11446, appendix A1"
_LIX = "Bjoernsson 1968, Laesbarhet (LIX), on words over six letters"
_VADER = "Hutto and Gilbert 2014, VADER, ICWSM 8(1)"
_LUHN = "ISO/IEC 7812-1, annex B, for the check digit"
_MCCABE = "McCabe 1976, A complexity measure, IEEE TSE 2(4); decisions as lizard counts them"

FEATURES: Final[tuple[Feature, ...]] = (
    _basic(name="byte_count", type=int, unit="bytes", meaning="Size of the content as stored."),
    _basic(name="char_count", type=int, unit="characters", meaning="Length of the decoded text."),
    _basic(
        name="line_count",
        type=int,
        unit="lines",
        meaning="Newlines, plus one when the text does not end with one; 0 for an empty text.",
    ),
    _basic(name="word_count", type=int, unit="words", meaning="Words of the whole text."),
    _basic(
        name="token_estimate",
        type=int,
        unit="tokens",
        meaning="About what a language model reads: short words, figures and pairs of signs are "
        "one token each, and so are three bytes beyond ASCII.",
    ),
    _basic(
        name="extension",
        type=str,
        unit="",
        meaning="Suffix of the path in lower case, without its dot; empty when there is none.",
        lower=None,
    ),
    _basic(name="has_extension", type=bool, unit="", meaning="Whether the path has an extension."),
    _basic(name="has_shebang", type=bool, unit="", meaning="Whether the text starts with #!."),
    _basic(
        name="family",
        type=str,
        unit="",
        meaning="prose, markup, code or data: by extension, else by the shape of the text.",
        lower=None,
    ),
    _basic(
        name="language_guess",
        type=str,
        unit="",
        meaning="Grammar that the code features, entries and depth are read with; empty when none "
        "fits.",
        lower=None,
    ),
    _text(name="prose_word_count", type=int, unit="words", meaning="Words of the prose."),
    _text(
        name="sentence_count",
        type=int,
        unit="sentences",
        meaning="Stretches of prose with a word in them, between sentence marks or blank lines.",
    ),
    _text(
        name="mean_sentence_words",
        type=float,
        unit="words",
        meaning="Words per sentence of the prose; None without a word.",
    ),
    _text(
        name="sentence_variation",
        type=float,
        unit="",
        meaning="Standard deviation over mean of the sentences' lengths in characters; None "
        "under two sentences.",
    ),
    _text(
        name="mean_word_length",
        type=float,
        unit="characters",
        meaning="Characters per word of the prose; None without a word.",
    ),
    _text(
        name="lexical_diversity",
        type=float,
        unit="words",
        meaning="MTLD: mean run of words over which types/words stays above 0.72, forwards and "
        "backwards averaged, over the first 1,000 words; does not depend on length from about "
        "100 words; None under 20.",
        source=_MTLD,
    ),
    _text(
        name="readability",
        type=float,
        unit="",
        meaning="Flesch reading ease, 206.835 - 1.015 words/sentences - 84.6 syllables/words, "
        "syllables as groups of vowels without a silent e, clipped to [-100, 121.22]; made for "
        "English; None unless nearly all letters are Latin, or under 20 words.",
        source=_FLESCH,
        lower=-100,
        upper=121.22,
    ),
    _text(
        name="repeated_trigram_share",
        type=float,
        unit="",
        meaning="Trigrams among the first 300 words of prose that stood there before, over all of "
        "them; None under 20 words.",
        source=_GOPHER,
        upper=1,
    ),
    _text(
        name="long_word_share",
        type=float,
        unit="",
        meaning="Words of seven letters or more over the words of prose; None without a word.",
        source=_LIX,
        upper=1,
    ),
    _text(
        name="prose_language",
        type=str,
        unit="",
        meaning="ISO 639-1 code of the prose's language, by its function words (at least 2, and 8 "
        "in 100 words), else by a script that is one language's own; None when neither tells.",
        lower=None,
    ),
    _text(
        name="function_word_share",
        type=float,
        unit="",
        meaning="Function words of the prose's language over its words; None without a language "
        "whose function words are known.",
        upper=1,
    ),
    _text(
        name="sentiment",
        type=float,
        unit="",
        meaning="Mean tone, as people rated them, of the prose's words that have one in VADER's "
        "English lexicon, over the strongest: -1 negative, 1 positive; None without such a word.",
        source=_VADER,
        lower=-1,
        upper=1,
    ),
    _text(
        name="sentiment_density",
        type=float,
        unit="per 100 words",
        meaning="Words with a tone in VADER's English lexicon per 100 words of prose.",
        source=_VADER,
        upper=100,
    ),
    _text(
        name="digit_share",
        type=float,
        unit="",
        meaning="Decimal digits over characters.",
        upper=1,
    ),
    _text(
        name="punctuation_share",
        type=float,
        unit="",
        meaning="Punctuation and symbols (Unicode categories P and S) over characters.",
        upper=1,
    ),
    _text(
        name="upper_share",
        type=float,
        unit="",
        meaning="Upper-case letters over characters.",
        upper=1,
    ),
    _text(
        name="whitespace_share",
        type=float,
        unit="",
        meaning="White space over characters.",
        upper=1,
    ),
    _text(
        name="non_ascii_share",
        type=float,
        unit="",
        meaning="Characters beyond ASCII over characters.",
        upper=1,
    ),
    _text(
        name="entity_density",
        type=float,
        unit="per 100 words",
        meaning="Capitalised words of two letters or more that do not start a sentence, per 100 "
        "words of prose; None without a word or without case.",
        upper=100,
    ),
    _text(
        name="hedge_density",
        type=float,
        unit="per 100 words",
        meaning="English words of doubt (may, might, perhaps, some ...) per 100 words of prose.",
        upper=100,
    ),
    _text(
        name="pronoun_density",
        type=float,
        unit="per 100 words",
        meaning="English pronouns that point elsewhere (it, this ...) per 100 words of prose.",
        upper=100,
    ),
    _text(
        name="quote_density",
        type=float,
        unit="per 100 words",
        meaning="Quotation marks (not apostrophes) per 100 words of prose.",
    ),
    _text(
        name="question_density",
        type=float,
        unit="per 100 words",
        meaning="Question marks per 100 words of prose.",
    ),
    _text(
        name="url_density",
        type=float,
        unit="per 100 words",
        meaning="http, https and ftp addresses per 100 words of the text.",
    ),
    _text(
        name="number_density",
        type=float,
        unit="per 100 words",
        meaning="Numbers (runs of digits with inner points and commas) per 100 words of the text.",
    ),
    _text(
        name="secret_count",
        type=int,
        unit="",
        meaning="Places in the first 32,768 characters that look like a key, a token or a "
        "password; at most 200 of a kind; the secrets themselves are never kept.",
    ),
    _text(
        name="personal_data_count",
        type=int,
        unit="",
        meaning="Places that look like an address of mail, an international telephone number, a "
        "US social security number or a payment card's number with its check digit; at most 200 "
        "of a kind in the part read; the data themselves are never kept.",
        source=_LUHN,
    ),
    _structure(
        name="max_line_chars", type=int, unit="characters", meaning="Length of the longest line."
    ),
    _structure(
        name="mean_line_chars",
        type=float,
        unit="characters",
        meaning="Mean length of the lines that are not blank.",
    ),
    _structure(
        name="blank_line_share",
        type=float,
        unit="",
        meaning="Lines of nothing but white space over lines.",
        upper=1,
    ),
    _structure(
        name="indent_depth",
        type=float,
        unit="columns",
        meaning="Mean indentation of the lines that are not blank, a tab as 4.",
    ),
    _structure(
        name="duplicate_line_share",
        type=float,
        unit="",
        meaning="Lines of at least 8 characters, white space at the ends aside, that stood in the "
        "text before, over all such lines.",
        source=_GOPHER,
        upper=1,
    ),
    _structure(
        name="heading_count",
        type=int,
        unit="",
        meaning="Headings of prose or markup: markdown's two kinds, reStructuredText's, h1-h6.",
    ),
    _structure(name="list_item_count", type=int, unit="", meaning="List items; HTML: li."),
    _structure(
        name="table_row_count",
        type=int,
        unit="",
        meaning="Table rows between pipes; HTML: tr; delimited data: its lines.",
    ),
    _structure(
        name="code_fence_count", type=int, unit="", meaning="Fenced code blocks; HTML: pre."
    ),
    _structure(name="link_count", type=int, unit="", meaning="Links; HTML: a with an href."),
    _structure(name="tag_count", type=int, unit="", meaning="HTML or XML elements."),
    _structure(
        name="entry_count",
        type=int,
        unit="",
        meaning="What data and markup with a grammar consist of: pairs of JSON and YAML, elements "
        "of HTML, rules of CSS, blocks of markdown; None without such a grammar.",
    ),
    _structure(
        name="depth_max",
        type=int,
        unit="levels",
        meaning="Deepest nesting of objects and arrays, elements, rules, lists and quotes; None "
        "without such a grammar.",
    ),
    _code(
        name="function_count",
        type=int,
        unit="",
        meaning="Functions and methods with a body, nested ones too; None without code in a "
        "language that has a grammar, as are all code features. The code of markdown and of a "
        "notebook is that in its fences and cells, each in its own grammar.",
    ),
    _code(name="class_count", type=int, unit="", meaning="Classes and the like: struct, trait ..."),
    _code(
        name="import_count",
        type=int,
        unit="",
        meaning="Import statements of the part parsed, not scaled up.",
    ),
    _code(
        name="cyclomatic_complexity",
        type=int,
        unit="paths",
        meaning="Decisions + functions + 1: the sum over the functions and the top level, each "
        "1 + its decisions.",
        source=_MCCABE,
    ),
    _code(
        name="cyclomatic_mean",
        type=float,
        unit="paths",
        meaning="Mean of 1 + decisions over the functions, or that of the top level without any.",
        source=_MCCABE,
        lower=1,
    ),
    _code(
        name="cyclomatic_max",
        type=int,
        unit="paths",
        meaning="Largest 1 + decisions of one function, or that of the top level without any.",
        source=_MCCABE,
        lower=1,
    ),
    _code(
        name="nesting_max",
        type=int,
        unit="blocks",
        meaning="Deepest nesting of blocks; the body of a top-level function is 1.",
    ),
    _code(
        name="nesting_mean",
        type=float,
        unit="blocks",
        meaning="Mean depth of the blocks, that of a top-level function being 1; 0 without one.",
    ),
    _code(
        name="comment_density",
        type=float,
        unit="",
        meaning="Bytes of comments and (in Python) docstrings over bytes parsed.",
        upper=1,
    ),
    _code(
        name="parse_error_share",
        type=float,
        unit="",
        meaning="Bytes that the grammar could not place over bytes parsed: code, data or markup.",
        upper=1,
    ),
    _score(name="structure_score", meaning="How far the text is laid out: see profiling.scores."),
    _score(name="creativity_score", meaning="How varied the language is: see profiling.scores."),
    _score(
        name="technicality_score", meaning="How much is notation and terms: see profiling.scores."
    ),
    _score(
        name="ambiguity_score", meaning="How much is left open or implied: see profiling.scores."
    ),
    _score(name="complexity_score", meaning="How hard it is to follow: see profiling.scores."),
)
"""Every feature of a profile, in the order of the table's columns."""

FEATURE_NAMES: Final[tuple[str, ...]] = tuple(feature.name for feature in FEATURES)


def feature_columns() -> tuple[tuple[str, Any, Column], ...]:
    """The features as the ``extra`` columns of a table: (name, type hint, column)."""
    return tuple(
        (
            feature.name,
            feature.type | None if feature.nullable else feature.type,
            Column(feature.meaning, feature.unit),
        )
        for feature in FEATURES
    )
