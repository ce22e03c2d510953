"""The two keyword services: tfidf_keywords and graph_keywords."""

import json
import math
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fit_keyword_background import compact, main
from orchestration_assets.schemas.enums import Status
from orchestration_assets.services.keywords.keyword_candidates import candidates_of
from orchestration_assets.services.keywords.pagerank import pagerank
from orchestration_assets.text.document_frequencies import (
    document_frequencies,
    term_counts,
    term_weights,
)
from orchestration_assets.text.function_words import function_words, likely_language
from orchestration_assets.text.words import prose_words, singular_words, word_counts, words_of
from tests.services.questions import ask
from tests.services.samples import CODE, PROSE

SERVICES = ["tfidf_keywords", "graph_keywords"]
ESSAY = (
    "A glacier is a body of ice that moves under its own weight. A glacier forms where snow "
    "gathers for years. The ice of a glacier carves valleys, and the valleys fill with meltwater. "
    "When the climate warms, the ice retreats and leaves moraines in the valleys. "
)


def keywords(service: str, text: str, family: str = "prose") -> tuple[str, ...]:
    answer = ask(service, text, family).answer
    assert isinstance(answer, tuple)
    return tuple(str(word) for word in answer)


@pytest.mark.parametrize("service", SERVICES)
def test_prose(service: str) -> None:
    found = keywords(service, ESSAY)
    assert {"glacier", "ice", "valleys"} <= set(found[:5])
    assert 3 <= len(found) <= 8
    assert not {"the", "and", "under", "own"} & set(found)
    assert all(word == word.lower() for word in found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("service", SERVICES)
def test_identifiers_are_split(service: str) -> None:
    code = (
        "# reads the ledger\nclass LedgerReader:\n    def read_ledger_entry(self, HTTPLedger):\n"
        "        self.ledgerEntry = HTTPLedger.entry_of(self)\n        return self.ledgerEntry\n"
    )
    found = keywords(service, code, "code")
    assert {"ledger", "entry"} <= set(found)
    assert "def" not in found[:4]
    assert "return" not in found[:4]


@pytest.mark.parametrize("service", SERVICES)
def test_markup_is_no_keyword(service: str) -> None:
    html = "<!doctype html><html><body class='container'><p>" + ESSAY + "</p></body></html>"
    assert set(keywords(service, html, "markup")) == set(keywords(service, ESSAY))


NETWORK = (
    "The event loop runs every callback. A callback may wait for the event loop. Garbage "
    "collection stops the event loop, so garbage collection is rare. A callback must never block. "
)


@pytest.mark.parametrize("service", SERVICES)
def test_terms_of_two_words_come_as_phrases(service: str) -> None:
    found = keywords(service, NETWORK)
    assert {"event loop", "garbage collection"} <= set(found)
    # what stands in nothing but the phrase is no key word beside it
    assert not {"loop", "garbage", "collection"} & set(found)


@pytest.mark.parametrize("service", SERVICES)
def test_phrases_end_at_punctuation_and_repeat_no_word(service: str) -> None:
    found = keywords(
        service, "Glacier, moraine. Glacier; moraine! nan nan. Fjord nan nan fjord. " * 2
    )
    assert not [term for term in found if len(set(term.split())) < len(term.split())]
    assert "glacier moraine" not in found


LICENCE = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software "
    "and associated documentation, to deal in the software without restriction."
)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("text", "family"),
    [
        (f"{LICENCE}\n\n{ESSAY}", "prose"),
        (f"# Glaciers\n\n{ESSAY}\n\n## Licence\n\n{LICENCE}\n", "markup"),
        (f"# {LICENCE}\n\n# {ESSAY}\nx = 1\n", "code"),
        (
            "<html><body><nav>Downloads Forum Imprint Downloads Forum</nav>"
            f"<main><p>{ESSAY}</p></main><footer>{LICENCE}</footer></body></html>",
            "markup",
        ),
        (f"[![software permission](a.svg)](b) [![software copy](c)](d)\n\n{ESSAY}", "markup"),
    ],
)
def test_boilerplate_gives_no_key_words(service: str, text: str, family: str) -> None:
    found = " ".join(keywords(service, text, family))
    assert "glacier" in found
    for word in ("software", "permission", "copy", "granted", "restriction", "downloads", "forum"):
        assert word not in found.split()


@pytest.mark.parametrize("service", SERVICES)
def test_fragments_of_code_and_marks_are_no_key_words(service: str) -> None:
    code = (
        "# Copies a member of the archive to the folder.\n"
        "def copyfileobj(fsrc, fdst):\n    # reads blocks of the archive\n"
        "    while buf := fsrc.read(bufsz):\n        fdst.write(buf)\n    self.bufsz = bufsz\n"
    )
    assert not {"fsrc", "fdst", "bufsz", "self", "copyfileobj"} & set(
        keywords(service, code, "code")
    )
    roff = (
        '.TH ROLE 7\n.SH "NAME"\nrole \\- a \\fIrole\\fR of the \\fBserver\\fR\n.PP\n'
        "A \\fIrole\\fR may own tables.\n"
    )
    found = keywords(service, roff * 2)
    assert "role" in found
    assert not [term for term in found if term.startswith(("fi", "fb"))]


@given(st.text(max_size=500), st.sampled_from(["prose", "markup", "code", "data"]))
def test_candidates_of_any_text(text: str, family: str) -> None:
    candidates = candidates_of(text, family)
    assert Counter(candidates.words) == candidates.counts
    assert all(2 <= len(phrase.split()) <= 3 for phrase in candidates.phrases)
    assert all(count >= 2 for count in candidates.phrases.values())


NAME_OR_WORD = st.sampled_from(
    [" ", ".", "=", "(", "[", "_", "x", "1", "\n", " fileobj", "fileobj", "\u00e9", "\u0130"]
)


@given(st.lists(NAME_OR_WORD, max_size=12).map("".join))
def test_a_rare_word_of_a_comment_is_none_where_it_is_the_name_of_a_thing(code: str) -> None:
    names = re.findall(r"\b[a-z]\w*(?=[ ]?[=(\[]|\.[a-z_])|(?<=\.)[a-z]\w*", code.lower())
    text = f"# about the fileobj\n{code}"
    only_mentioned = word_counts(text, "code")["fileobj"] == 1

    assert ("fileobj" in candidates_of(text, "code").counts) == (
        only_mentioned or "fileobj" not in names
    )


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("language", ["fr", "es", "de"])
def test_function_words_of_other_languages_are_left_out(service: str, language: str) -> None:
    found = set(keywords(service, PROSE[language]))
    assert not found & {"les", "que", "sont", "los", "die", "und", "der", "dans", "por"}


@pytest.mark.parametrize("service", SERVICES)
def test_chinese_comes_in_pairs(service: str) -> None:
    assert all(1 < len(word) <= 3 for word in keywords(service, PROSE["zh"]))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("text", ["", "tar", "a b c", "12 34 56", "?!"])
def test_too_little(service: str, text: str) -> None:
    assert ask(service, text).status is Status.ABSTAINED


@pytest.mark.parametrize("service", SERVICES)
def test_words_that_come_back_are_surer(service: str) -> None:
    once, thrice = ask(service, ESSAY).confidence, ask(service, ESSAY * 3).confidence
    assert once is not None
    assert thrice is not None
    assert once < thrice


def test_words() -> None:
    expected = ("http", "server", "file", "name", "max", "size")
    assert words_of("HTTPServer fileName max_size2", "code") == expected
    assert prose_words("It's the dog\u2019s; don't") == ["it", "the", "dog", "do"]
    assert prose_words("编辑文件内容") == ["编辑", "辑文", "文件", "件内", "内容"]
    assert singular_words(["file", "files", "class", "bus"]) == ["file", "file", "class", "bus"]


@given(st.text(st.characters(max_codepoint=127), max_size=200))
def test_names_in_ascii_have_the_parts_that_they_have_beside_others(text: str) -> None:
    assert words_of(f"{text} \u00e9", "code") == (*words_of(text, "code"), "\u00e9")
    assert prose_words(f"{text} \u00e9") == [*prose_words(text), "\u00e9"]


@given(st.text(max_size=200), st.sampled_from(["prose", "markup", "code", "data"]))
def test_words_are_counted_in_the_order_in_which_they_occur(text: str, family: str) -> None:
    assert list(word_counts(text, family).items()) == list(Counter(words_of(text, family)).items())


def test_weights_follow_the_formula() -> None:
    table, rarest = document_frequencies()
    weights = term_weights(term_counts(["archive", "archives", "qqqzzz", "of"]))
    assert set(weights) == {"archive", "qqqzzz"}
    assert weights["archive"] == pytest.approx(2**0.75 * math.log(10_000 / table["archive"]))
    assert weights["qqqzzz"] == pytest.approx(math.log(10_000 / (rarest / 2)))


def test_background_is_small_and_knows_common_words() -> None:
    path = files("orchestration_assets.text").joinpath("document_frequencies.json")
    assert len(path.read_bytes()) <= 150_000
    table, _ = document_frequencies()
    assert len(table) > 10_000
    for word in ("the", "and", "der", "les", "self", "import"):
        assert table[word] > 3_000
    assert max(table.values()) <= 10_000


def test_rank_flows_to_the_middle_of_a_star() -> None:
    import numpy as np

    links = np.zeros((5, 5))
    links[0, 1:4] = links[1:4, 0] = 1.0
    rank = pagerank(links)
    assert rank.sum() == pytest.approx(1.0)
    assert rank.argmax() == 0
    assert rank[4] == rank.min()


def test_one_repeated_word_does_not_name_a_language() -> None:
    assert likely_language(["sans"] * 50 + prose_words(PROSE["en"])) == "en"
    assert likely_language(["tar", "gzip"]) is None


def test_fit_gives_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for number in range(25):
        (folder / f"{number}.md").write_text(f"# Page\n\nShow the file. {PROSE['en']}\n", "utf-8")
    (folder / "code.py").write_text(CODE["python"], "utf-8")
    outs = [tmp_path / "one.json", tmp_path / "two.json"]
    for out in outs:
        assert main([str(folder), "--out", str(out)]) == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()
    words = json.loads(outs[0].read_text("utf-8"))["words"]
    assert "archive" in " ".join(words.values()).split()
    assert "words in" in capsys.readouterr().out
    assert main([str(tmp_path / "absent"), "--out", str(outs[0])]) == 2


def test_compact_keeps_the_most_frequent() -> None:
    text = compact({"the": 9_000, "rare": 1, "often": 4_321}, limit=65)
    assert len(text.encode()) <= 65
    assert json.loads(text)["words"] == {"9000": "the", "4300": "often"}


_COUNCIL = {
    "de": "Der Rat hat nach langer Debatte die Brücke genehmigt, und sie wird im Mai eröffnet. ",
    "fr": "Le conseil a voté pour le pont après un long débat, mais sans les travaux du quai. ",
    "es": "El consejo ha votado por el puente tras un largo debate, pero sin las obras. ",
}


@pytest.mark.parametrize(("language", "text"), [*PROSE.items(), *_COUNCIL.items()])
@pytest.mark.parametrize("service", SERVICES)
def test_function_words_are_no_key_words_in_any_language(service, language, text) -> None:
    answer = ask(service, text * 5).answer or ()
    named = {word for member in answer for word in str(member).split()}
    assert named.isdisjoint(function_words().get(language, ()))
