"""A policy of one's own takes in no more of a folder than the packaged one, unless it says so."""

from contextlib import closing
from pathlib import Path

import pytest

from orchestration_assets.__main__ import main
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.usual_excludes import USUALLY_EXCLUDED
from resources.content_source.opening import open_source

OWN = """
version: 2
{content}
services:
  stopwords: {{implementation: stopwords}}
tasks:
  language:
    question: In which language is it written?
    default: {{model: sequential, services: [stopwords]}}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in (".git/config", "web/node_modules/left/pad.js", "web/page.txt", "letter.txt"):
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"the text of {name}\n")
    return tmp_path / "checkout"


@pytest.mark.parametrize(
    ("content", "new"),
    [
        ("", 2),
        ("content: {max_bytes: 1000}", 2),
        # a list of one's own takes the place of the usual one
        ("content: {exclude: [letter.txt, .git]}", 2),
        ("content: {exclude: []}", 4),
    ],
)
def test_what_tools_keep_beside_content_is_left_out(checkout, tmp_path, capsys, content, new):
    policy = tmp_path / "own.yaml"
    policy.write_text(OWN.format(content=content))
    home = str(tmp_path / "home")
    assert main(["preview", str(checkout), "--policy", str(policy), "--home", home]) == 0
    assert f"new {new}, changed 0" in capsys.readouterr().out


def test_the_packaged_policy_leaves_out_the_same(checkout) -> None:
    content = load_policy().policy.content
    assert content.exclude == USUALLY_EXCLUDED
    with closing(open_source(str(checkout), content.include, content.exclude)) as source:
        assert source.exclude.match(".git") == ".git"
