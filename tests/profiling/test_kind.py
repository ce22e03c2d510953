"""What an item is taken for, by its name and by its shape."""

import pytest

from orchestration_assets.profiling.kind import ContentKind, detect_kind, fence_language
from orchestration_assets.schemas.enums import Family

C_CODE = '#include <stdio.h>\n\nint main(void) {\n    printf("x");\n    return 0;\n}\n'
PYTHON = "import os\n\n\ndef f(a):\n    if a:\n        return os.getcwd()\n    return None\n"
PROSE = "It was a bright day. The clocks struck one, and nobody came.\n\nThen it rained.\n"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("src/Main.JAVA", "", ContentKind("java", False, Family.CODE, "java")),
        ("run.py", "#!/usr/bin/env python3\n", ContentKind("py", True, Family.CODE, "python")),
        ("Makefile", "all:\n", ContentKind("", False, Family.CODE, "")),
        ("a/Dockerfile", "FROM x\n", ContentKind("", False, Family.CODE, "")),
        ("Rakefile", "", ContentKind("", False, Family.CODE, "ruby")),
        (".gitignore", PROSE, ContentKind("", False, Family.PROSE, "")),
        ("README.md", PROSE, ContentKind("md", False, Family.MARKUP, "markdown")),
        ("a.yaml", "a: 1\n", ContentKind("yaml", False, Family.DATA, "yaml")),
        ("a.css", "", ContentKind("css", False, Family.CODE, "css")),
        ("a.svg", "", ContentKind("svg", False, Family.MARKUP, "")),
        ("a.ipynb", "{}", ContentKind("ipynb", False, Family.MARKUP, "markdown")),
        ("a.h", C_CODE.replace("<stdio.h>", '"a.h"'), ContentKind("h", False, Family.CODE, "c")),
        ("a.h", "namespace a {}\n", ContentKind("h", False, Family.CODE, "cpp")),
        ("Dear Dr. Who and all", PROSE, ContentKind("", False, Family.PROSE, "")),
    ],
)
def test_the_name_decides_where_it_says_enough(path: str, text: str, expected: ContentKind) -> None:
    assert detect_kind(path, text) == expected


@pytest.mark.parametrize(
    ("text", "family", "language"),
    [
        (PROSE, Family.PROSE, ""),
        ("", Family.PROSE, ""),
        ("#!/bin/sh\necho a\n", Family.CODE, "bash"),
        ("#!/usr/bin/env ruby\nputs 1\n", Family.CODE, "ruby"),
        ("<!DOCTYPE html><html><p>a</p></html>", Family.MARKUP, "html"),
        ("<?xml version='1.0'?><a/>", Family.MARKUP, ""),
        ("# Title\n\nSome words.\n\n- one\n- two\n", Family.MARKUP, "markdown"),
        ("Words.\n\n```\ncode\n```\n\n- see [this](x)\n", Family.MARKUP, "markdown"),
        ('{"cells": [{"cell_type": "code", "source": ["x"]}]}', Family.MARKUP, "markdown"),
        ('{"a": [1, 2]}', Family.DATA, "json"),
        ("[1, 2, 3]", Family.DATA, "json"),
        ("a,b,c\n1,2,3\n4,5,6\n", Family.DATA, ""),
        ("[main]\na = 1\nb = 2\n", Family.DATA, ""),
        (C_CODE, Family.CODE, "c"),
        (PYTHON, Family.CODE, "python"),
        ("package main\n\nfunc main() {\n\tx := 1\n\tuse(x)\n}\n", Family.CODE, "go"),
    ],
)
def test_the_shape_decides_where_the_name_does_not(
    text: str, family: Family, language: str
) -> None:
    kind = detect_kind("item", text)
    assert (kind.family, kind.language) == (family, language)


@pytest.mark.parametrize(
    ("mark", "language"),
    [
        ("py", "python"),
        ("{.rust #id}", "rust"),
        ("Shell session", "bash"),
        ("", ""),
        ("mermaid", ""),
    ],
)
def test_what_a_fence_says_names_a_grammar(mark: str, language: str) -> None:
    assert fence_language(mark) == language
