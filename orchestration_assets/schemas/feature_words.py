"""The profile's features in the words of people: data only, one entry a feature."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class FeatureTopic(StrEnum):
    """What of an item a feature is about; features of one topic mostly say the same."""

    KIND = "kind"
    LANGUAGE = "language"
    LENGTH = "length"
    LAYOUT = "layout"
    CODE = "structure of code"
    WORDING = "wording"
    SIGNS = "figures and signs"


@dataclass(frozen=True, slots=True)
class FeatureWords:
    """How a feature is said.

    ``phrase`` follows a noun, with ``{}`` for an amount such as "over 3"; a category has its value
    there. ``plainness`` is 0 for what everybody sees in a text, 1 for what has to be counted, 2 for
    what has to be explained. ``percent``: amounts are shares, said in per cent.
    """

    phrase: str
    topic: FeatureTopic
    plainness: int
    percent: bool = False


def _words(topic: FeatureTopic, plainness: int, **phrases: str) -> dict[str, FeatureWords]:
    return {name: FeatureWords(phrase, topic, plainness) for name, phrase in phrases.items()}


def _shares(topic: FeatureTopic, plainness: int, **phrases: str) -> dict[str, FeatureWords]:
    return {
        name: FeatureWords(phrase, topic, plainness, percent=True)
        for name, phrase in phrases.items()
    }


FEATURE_WORDS: Final[Mapping[str, FeatureWords]] = MappingProxyType(
    {
        **_words(FeatureTopic.KIND, 0, family="of family {}"),
        **_words(FeatureTopic.KIND, 1, language_guess="in {}", extension="in .{} files"),
        **_words(FeatureTopic.KIND, 1, has_extension="a file extension"),
        **_words(FeatureTopic.KIND, 1, has_shebang="a first line with #!"),
        **_words(FeatureTopic.LANGUAGE, 0, prose_language="in {}"),
        **_shares(FeatureTopic.LANGUAGE, 1, non_ascii_share="with {} characters beyond ASCII"),
        **_shares(FeatureTopic.LANGUAGE, 2, function_word_share="with {} function words"),
        **_words(FeatureTopic.LENGTH, 0, word_count="{} words", line_count="{} lines"),
        **_words(
            FeatureTopic.LENGTH,
            1,
            char_count="{} characters",
            byte_count="{} bytes",
            token_estimate="{} tokens",  # noqa: S106
            prose_word_count="{} words of prose",
            sentence_count="{} sentences",
        ),
        **_words(
            FeatureTopic.WORDING,
            1,
            mean_sentence_words="with {} words a sentence",
            mean_word_length="with {} letters a word",
            entity_density="with {} names in 100 words",
            quote_density="with {} quotation marks in 100 words",
            question_density="with {} question marks in 100 words",
            hedge_density="with {} words of doubt in 100",
            pronoun_density="with {} pronouns in 100 words",
        ),
        **_shares(
            FeatureTopic.WORDING,
            1,
            long_word_share="with {} long words",
            repeated_trigram_share="with {} repeated phrases",
        ),
        **_words(
            FeatureTopic.WORDING,
            2,
            sentence_variation="with a variation of sentence length {}",
            lexical_diversity="with a lexical diversity {}",
            readability="with a reading ease {}",
            sentiment="with a tone {}",
            sentiment_density="with {} words of feeling in 100",
            creativity_score="with a creativity score {}",
            ambiguity_score="with an ambiguity score {}",
            complexity_score="with a complexity score {}",
        ),
        **_shares(
            FeatureTopic.SIGNS,
            1,
            digit_share="with {} digits",
            punctuation_share="with {} punctuation and symbols",
            upper_share="with {} capital letters",
        ),
        **_shares(FeatureTopic.SIGNS, 2, whitespace_share="with {} white space"),
        **_words(
            FeatureTopic.SIGNS,
            1,
            number_density="with {} numbers in 100 words",
            url_density="with {} web addresses in 100 words",
        ),
        **_words(
            FeatureTopic.SIGNS,
            2,
            secret_count="with {} possible secrets",  # noqa: S106
            personal_data_count="with {} possible personal data",
            technicality_score="with a technicality score {}",
        ),
        **_words(
            FeatureTopic.LAYOUT,
            1,
            heading_count="with {} headings",
            list_item_count="with {} list items",
            table_row_count="with {} table rows",
            code_fence_count="with {} code blocks",
            link_count="with {} links",
            tag_count="with {} tags",
            entry_count="with {} entries",
            max_line_chars="with a longest line {} characters",
            mean_line_chars="with {} characters a line",
        ),
        **_shares(
            FeatureTopic.LAYOUT,
            1,
            blank_line_share="with {} blank lines",
            duplicate_line_share="with {} repeated lines",
        ),
        **_words(
            FeatureTopic.LAYOUT,
            2,
            indent_depth="with an indentation {} columns",
            depth_max="with {} levels of nesting",
            structure_score="with a structure score {}",
        ),
        **_words(
            FeatureTopic.CODE,
            1,
            function_count="with {} functions",
            class_count="with {} classes",
            import_count="with {} imports",
        ),
        **_shares(FeatureTopic.CODE, 1, comment_density="with {} comments"),
        **_words(
            FeatureTopic.CODE,
            2,
            cyclomatic_complexity="with {} paths",
            cyclomatic_mean="with {} paths a function",
            cyclomatic_max="with {} paths in one function",
            nesting_max="with {} levels of blocks",
            nesting_mean="with a mean depth {} blocks",
        ),
        **_shares(FeatureTopic.CODE, 2, parse_error_share="with {} that does not parse"),
    }
)
"""By name, every feature of :data:`~orchestration_assets.schemas.features.FEATURES`."""

FAMILY_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {name: name for name in ("prose", "markup", "code", "data")}
)
GRAMMAR_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bash": "shell code",
        "c": "C code",
        "cpp": "C++ code",
        "css": "CSS",
        "go": "Go code",
        "html": "HTML",
        "java": "Java code",
        "javascript": "JavaScript code",
        "json": "JSON",
        "markdown": "Markdown",
        "python": "Python code",
        "ruby": "Ruby code",
        "rust": "Rust code",
        "typescript": "TypeScript code",
        "yaml": "YAML",
    }
)
"""Names of the grammars that ``language_guess`` may hold."""

_LANGUAGES = """
af Afrikaans, am Amharic, an Aragonese, ar Arabic, as Assamese, az Azerbaijani,
ba Bashkir, be Belarusian,
bg Bulgarian, bn Bengali, bo Tibetan, br Breton, bs Bosnian, ca Catalan, cs Czech, cy Welsh,
da Danish, de German, dz Dzongkha, el Greek, en English, eo Esperanto, es Spanish, et Estonian,
eu Basque, fa Persian, fi Finnish, fo Faroese, fr French, fy Frisian, ga Irish, gd Gaelic,
gl Galician, gu Gujarati, ha Hausa, he Hebrew, hi Hindi, hr Croatian, ht Haitian, hu Hungarian,
hy Armenian, id Indonesian, ig Igbo, is Icelandic, it Italian, ja Japanese, jv Javanese,
ka Georgian, kk Kazakh, km Khmer, kn Kannada, ko Korean, ku Kurdish, ky Kyrgyz, la Latin,
lb Luxembourgish, lg Ganda, ln Lingala, lo Lao, lt Lithuanian, lv Latvian, mg Malagasy,
mk Macedonian, ml Malayalam, mn Mongolian, mr Marathi, ms Malay, mt Maltese, my Burmese, ne Nepali,
nl Dutch, nn Nynorsk, no Norwegian, oc Occitan, om Oromo, or Odia, pa Punjabi, pl Polish, ps Pashto,
pt Portuguese, qu Quechua, ro Romanian, ru Russian, rw Kinyarwanda, sa Sanskrit, se Sami,
si Sinhala, sk Slovak, sl Slovenian, sn Shona, so Somali, sq Albanian, sr Serbian, st Sotho,
sv Swedish, sw Swahili, ta Tamil, te Telugu, tg Tajik, th Thai, ti Tigrinya, tk Turkmen, tl Tagalog,
tr Turkish, tt Tatar, ug Uyghur, uk Ukrainian, ur Urdu, uz Uzbek, vi Vietnamese, vo Volapuk,
wa Walloon, xh Xhosa, yi Yiddish, yo Yoruba, zh Chinese, zu Zulu
"""
LANGUAGE_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {pair.split()[0]: pair.split()[1] for pair in _LANGUAGES.split(",")}
)
"""English names of languages by their ISO 639-1 codes."""
