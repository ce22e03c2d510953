"""The benchmark of titles: what counts as acceptable, and its figures on a few documents."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from benchmarks.keyword_quality import acceptable_share
from benchmarks.title_quality import LABELS, LabelledDocument, is_acceptable, main, read_labels

PAGE = (
    "# dd\n\n> Convert and copy a file.\n\n- Copy a file:\n\n`dd if={{a}} of={{b}}`\n\n"
    "- Copy a file in blocks of some size:\n\n`dd bs={{4M}}`\n\nIt shows no progress of its own.\n"
)
DOCUMENT = LabelledDocument(
    "page", "held-out", "dd.md", "", ("dd",), ("Convert and copy a file.",), False
)


@pytest.mark.parametrize(
    ("title", "accepted"),
    [
        ("dd", True),
        ("`dd`", True),
        ("dd: convert and copy a file", True),
        ("dd \u2013 Convert and copy a file", True),
        ("Convert and copy a file", False),
        ("dd: Copy a file", False),
        ("Convert and copy a file: dd", False),
        (None, False),
    ],
)
def test_a_title_is_compared_with_its_label(title: str | None, accepted: bool) -> None:
    assert is_acceptable(title, DOCUMENT) == accepted


def test_the_labels_are_halves_of_two_hundred_documents() -> None:
    labels = read_labels(LABELS)
    assert len(labels) >= 200
    assert len({one.sha256 for one in labels}) == len(labels)
    halves = [sum(one.half == half for one in labels) for half in ("development", "held-out")]
    assert abs(halves[0] - halves[1]) <= 1
    assert all(one.titles or one.no_title for one in labels)


def test_figures_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "dd.md").write_text(PAGE, "utf-8")
    row = {
        "kind": "page",
        "half": "held-out",
        "address": "dd.md",
        "sha256": sha256(PAGE.encode()).hexdigest(),
        "titles": ["dd"],
        "additions": ["Convert and copy a file"],
        "no_title": False,
    }
    labels = tmp_path / "labels.jsonl"
    labels.write_text(json.dumps(row) + "\n", "utf-8")
    out = tmp_path / "figures.json"
    arguments = [str(tmp_path / "pages"), "--labels", str(labels), "--json", str(out)]
    assert main(arguments) == 0
    assert json.loads(out.read_text("utf-8")) == {"held-out": {"documents": 1, "accepted": 1.0}}
    assert "1 of 1 labelled documents" in capsys.readouterr().out
    assert main([str(tmp_path / "absent"), "--labels", str(labels)]) == 2


def test_key_words_count_in_singular_and_plural() -> None:
    assert acceptable_share(["event loops", "want"], ["event loop"]) == 0.5
