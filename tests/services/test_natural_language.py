"""The two natural language services: langid and stopwords."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.services.language.natural_languages import NATURAL_LANGUAGES
from orchestration_assets.services.registry import load_embedded
from orchestration_assets.text.spread_pieces import spread_pieces
from tests.services.questions import question
from tests.services.samples import CODE, PROSE

SERVICES = ["langid", "stopwords"]
PAGES = {
    "en": "# tar\n\n> Archiving utility.\n> Often combined with a method such as gzip.\n\n"
    "- Create an archive and write it to a file:\n\n`tar cf {{target.tar}} {{file1 file2}}`\n\n"
    "- Extract the files of an archive into the directory that you are in:\n\n`tar xf {{a.tar}}`\n",
    "fr": "# tar\n\n> Outil d'archivage.\n> Souvent utilisé avec une méthode de compression.\n\n"
    "- Crée une archive à partir des fichiers et des dossiers :\n\n`tar cf {{cible.tar}}`\n\n"
    "- Extrait les fichiers d'une archive dans le répertoire courant :\n\n`tar xf {{a.tar}}`\n",
    "es": "# tar\n\n> Herramienta de archivado.\n> Se combina a menudo con un método como gzip.\n\n"
    "- Crea un archivo y lo escribe en un fichero para el usuario:\n\n`tar cf {{destino.tar}}`\n\n"
    "- Extrae los ficheros de un archivo en el directorio actual:\n\n`tar xf {{a.tar}}`\n",
    "zh": "# tar\n\n> 归档实用程序。\n> 通常与压缩方法结合使用。\n\n"
    "- 创建一个由文件组成的存档：\n\n`tar cf {{目标.tar}} {{文件1 文件2}}`\n\n"
    "- 解压缩存档文件到当前目录：\n\n`tar xf {{来源.tar}}`\n",
}


def ask(service: str, text: str, family: str = "prose") -> Reading:
    return load_embedded(service).answer(question("natural_language", text, family=family))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("language", PROSE)
def test_prose(service: str, language: str) -> None:
    reading = ask(service, PROSE[language])
    assert reading.answer == language
    assert reading.confidence is not None
    assert reading.confidence > 0.7


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("language", PAGES)
def test_pages(service: str, language: str) -> None:
    assert ask(service, PAGES[language], "markup").answer == language


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("text", ["", "ok", "123 456 789", "!? -- ...", "\ud800\ud801"])
def test_abstains_on_too_little(service: str, text: str) -> None:
    reading = ask(service, text)
    assert reading.status is Status.ABSTAINED
    assert reading.reason


def test_many_texts_at_once_are_answered_as_each_alone() -> None:
    longer = [LONG[language] * 3 for language in sorted(LONG)]
    mixed = [f"{LONG['de']}\n\n{LONG['en']}" * times for times in (1, 4)]
    texts = [*PROSE.values(), *PAGES.values(), *longer, *mixed, LONG["ru"].upper()]
    texts += ["", "ok", "x" * 5_000, "\ud800 halves of pairs in a text", texts[0]]
    questions = [question("natural_language", text) for text in texts]
    for service in map(load_embedded, SERVICES):
        assert service.answers(questions) == [service.answer(one) for one in questions]
        assert service.answers(questions[:2]) == [service.answer(one) for one in questions[:2]]
        assert service.answers([]) == []


@pytest.mark.parametrize("service", SERVICES)
def test_code_is_judged_by_its_comments(service: str) -> None:
    commented = "# " + PROSE["fr"] + "\n" + CODE["python"]
    assert ask(service, commented, "code").answer == "fr"
    assert ask(service, CODE["python"], "code").status is Status.ABSTAINED


@pytest.mark.parametrize("service", SERVICES)
def test_data_has_no_language(service: str) -> None:
    assert ask(service, PROSE["en"], "data").status is Status.ABSTAINED


LONG = json.loads(
    (Path(__file__).parents[2] / "benchmarks" / "encoding_texts.json").read_text("utf-8")
)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("first", "second"), [("de", "en"), ("fr", "pl"), ("es", "sv")])
@pytest.mark.parametrize("times", [1, 6])
def test_a_document_in_two_languages_is_not_said_to_be_in_one(
    service, first, second, times
) -> None:
    halves = LONG[first] * times + "\n\n" + LONG[second] * times
    by_turns = (LONG[first] + "\n\n" + LONG[second] + "\n\n") * times
    for text in (halves, by_turns):
        reading = ask(service, text)
        assert {reading.answer, *(one.answer for one in reading.alternatives)} == {first, second}
        assert reading.confidence is not None
        assert reading.confidence < 0.8
        assert "a mixture" in (reading.evidence or "")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("language", sorted(set(PROSE) & set(LONG)))
def test_a_document_in_one_language_is_no_mixture(service, language) -> None:
    reading = ask(service, LONG[language] * 4)
    assert reading.answer == language
    assert "a mixture" not in (reading.evidence or "")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("first", "second"), [("zh", "en"), ("ru", "en"), ("el", "fr"), ("ja", "de")]
)
def test_languages_of_several_scripts_are_said_with_shares(service, first, second) -> None:
    prose = {**LONG, **PROSE}
    reading = ask(service, prose[first] * 5 + "\n\n" + LONG[second] * 2)
    said = [reading.answer, *(other.answer for other in reading.alternatives)]
    assert set(said) == {first, second}
    assert reading.evidence is not None
    assert re.search(rf"{first} \d+%", reading.evidence)
    assert re.search(rf"{second} \d+%", reading.evidence)


def test_three_languages_are_said() -> None:
    text = "\n\n".join(LONG[language] * 4 for language in ("en", "de", "fr"))
    reading = ask("stopwords", text)
    said = {reading.answer, *(other.answer for other in reading.alternatives)}
    assert {"en", "de", "fr"} <= said
    assert (reading.evidence or "").count("%") >= 3


@pytest.mark.parametrize("service", SERVICES)
def test_foreign_terms_are_no_second_language(service) -> None:
    reading = ask(service, PROSE["ja"] * 3 + " Python Guido ABC TensorFlow Monty Linux Kernel")
    assert reading.answer == "ja"
    assert "en" not in {other.answer for other in reading.alternatives}


@given(st.text(max_size=3000), st.integers(1, 6), st.integers(1, 400))
def test_pieces_are_spread_over_the_whole_text(text, number, chars) -> None:
    pieces = spread_pieces(text, number, chars)
    assert len(pieces) <= number
    assert all(piece in text for piece in pieces)
    assert sum(map(len, pieces)) <= number * (chars + 41)
    if len(text) <= number * chars:
        # a piece of nothing but white space is left out
        assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize("service", SERVICES)
def test_short_texts_are_less_sure(service: str) -> None:
    short = ask(service, "Les fichiers sont dans le dossier").confidence
    long = ask(service, PROSE["fr"] * 3).confidence
    assert long is not None
    assert (short or 0.0) < long


def test_stopwords_abstain_where_languages_tie() -> None:
    assert ask("stopwords", "Lorem ipsum dolor sit amet consectetur").status is Status.ABSTAINED


def test_tables_are_words_of_known_languages() -> None:
    path = files("orchestration_assets.text").joinpath("function_words.json")
    tables: dict[str, str] = json.loads(path.read_text("utf-8"))
    assert set(tables) <= set(NATURAL_LANGUAGES)
    for words in tables.values():
        listed = words.split()
        assert len(listed) == len(set(listed)) >= 20
        assert words == words.lower()


def test_the_letters_of_japanese_are_named_as_they_are() -> None:
    reading = ask("stopwords", "東京は日本の首都です。人口は約1400万人です。")
    assert (reading.answer, reading.evidence) == ("ja", "100% of the letters are kana and han")
