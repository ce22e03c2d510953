"""What content declares of itself goes to the fields that mean the same."""

import json
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.answers import answer_columns
from orchestration_assets.schemas.enums import Status
from orchestration_assets.services.records.declared_facts import people_in
from tests.fuzzing import fuzz
from tests.services.records import read, values
from tests.services.samples import CODE

FACTS = {
    "title": "text",
    "date": "date",
    "people": "list",
    "links": "list",
    "licence": "text",
    "language": "text",
    "version": "text",
    "tags": "list",
    "description": "text",
}
FUNCTIONS = {
    "functions": {
        "type": "list",
        "fields": {"name": "text", "parameters": "text", "description": "text"},
    }
}


def declared(text, family="markup", fields=None, **profile):
    return values(read("declared_facts", text, fields or FACTS, family=family, **profile))


EVERYTHING = {
    "title": "The archive",
    "date": "2026-03-05",
    "people": ["Ann Smith", "Bob Jones"],
    "links": ["https://example.org/"],
    "licence": "MIT",
    "language": "en",
    "version": "1.10",
    "tags": ["storage", "files"],
    "description": "Keeps files.",
}
YAML = """---
title: "The archive"
date: 2026-03-05
authors:
  - {name: Ann Smith, email: ann@example.org}
  - Bob Jones <bob@example.org>
homepage: https://example.org/
license: MIT
lang: en
version: 1.10
tags: [storage, files]
summary: >
  Keeps
  files.
---
# Another heading
"""
TOML = """+++
title = "The archive"
date = 2026-03-05T10:00:00Z
author = "Ann Smith and Bob Jones"
url = "https://example.org/"
licence = "MIT"
language = "en"
version = "1.10"
keywords = ["storage", "files"]
description = "Keeps files."
+++
"""
HTML = """<!DOCTYPE html><html lang="en"><head><title>The  archive</title>
<meta name="author" content="Ann Smith"><meta name="author" content="Bob Jones">
<meta property="article:published_time" content="2026-03-05T10:00:00Z">
<meta name="keywords" content="storage, files"><meta name="description" content="Keeps files.">
<meta name="version" content="1.10"><meta name="license" content="MIT">
<link rel="canonical" href="https://example.org/"></head><body><p>Text.</p></body></html>
"""
RST = """The archive
===========

:Author: Ann Smith, Bob Jones
:Date: 5 March 2026
:URL: https://example.org/
:License: MIT
:Language: en
:Version: 1.10
:Keywords: storage,
  files
:Summary: Keeps files.

Text.
"""
HEADERS = """Metadata-Version: 2.1
Name: The archive
Version: 1.10
Date: Thu, 05 Mar 2026 10:00:00 +0100
Author: Ann Smith, Bob Jones
Author-email: ann@example.org
Home-page: https://example.org/
Classifier: License :: OSI Approved :: MIT
Content-Language: en
Keywords: storage files
Summary: Keeps
 files.

Text.
"""


@pytest.mark.parametrize("text", [YAML, TOML, HTML, RST, HEADERS], ids=range(5))
def test_the_same_facts_are_read_wherever_they_are_declared(text) -> None:
    assert declared(text) == EVERYTHING


def test_documents_of_data_declare_facts_of_what_they_describe() -> None:
    package = {
        "name": "archive",
        "version": "1.10",
        "author": {"name": "Ann Smith", "email": "a@example.org"},
        "repository": {"type": "git", "url": "git+https://example.org/r.git"},
        "license": "MIT",
        "keywords": ["storage"],
    }
    told = {
        "title": "archive",
        "people": ["Ann Smith"],
        "links": ["https://example.org/r.git"],
        "licence": "MIT",
        "version": "1.10",
        "tags": ["storage"],
    }
    assert declared(json.dumps(package), "data") == told
    project = (
        '[project]\nname = "archive"\nversion = "1.10"\nauthors = [{name = "Ann Smith"}]\n'
        'license = {text = "MIT"}\nkeywords = ["storage"]\n'
        '[project.urls]\nSource = "https://example.org/r.git"\n'
    )
    assert declared(project, "data") == told
    citation = (
        "cff-version: 1.2.0\ntitle: archive\nauthors:\n- family-names: Smith\n  given-names: Ann\n"
        "version: 1.10\nlicense: MIT\nkeywords: [storage]\nurl: https://example.org/r.git\n"
    )
    assert declared(citation, "data") == told


def test_the_headers_of_a_mail_name_sender_day_and_subject() -> None:
    mail = (
        "From: =?utf-8?q?J=C3=BCrgen?= Smith <j@example.org>\nTo: b@example.org\n"
        "Date: Thu, 5 Mar 2026 10:00:00 +0100\nSubject: Re: The\n archive\n\nHello.\n"
    )
    fields = {"title": "text", "date": "date", "author": "text", "to": "text"}
    assert declared(mail, "prose", fields) == {
        "title": "The archive",
        "date": "2026-03-05",
        "author": "Jürgen Smith",
        "to": "b@example.org",
    }
    assert declared("Note: this\nis no header.\n", "prose", {"note": "text"}) == {}


PYTHON = '''#!/usr/bin/env python
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Copyright (c) 2019-2024 Cleo Clark <c@example.org>. All rights reserved.
"""Keeps files. Not for long.

Details.
"""
__version__ = "1.10"


class Store:
    def read(self, path: str, *, deep: bool = False) -> str:
        """Reads one.

        :param path: the file
        """

# Adds two.
def add(a, b): return a + b
'''


def test_a_program_declares_its_licence_version_and_functions() -> None:
    assert declared(PYTHON, "code", FACTS | FUNCTIONS) == {
        "title": "Keeps files",
        "people": ["Cleo Clark"],
        "licence": "Apache-2.0 OR MIT",
        "version": "1.10",
        "description": "Keeps files. Not for long.",
        "functions": [
            {
                "name": "read",
                "parameters": "self, path: str, deep: bool = False",
                "description": "Reads one.",
            },
            {"name": "add", "parameters": "a, b", "description": "Adds two."},
        ],
    }


def test_an_author_is_named_before_the_holder_of_the_rights() -> None:
    assert declared('__author__ = "Ann Smith"\n' + PYTHON, "code")["people"] == ["Ann Smith"]
    script = "/**\n * Adds.\n * @author Ann Smith\n * @license MIT\n */\n(c) 2024 Bob\n"
    assert declared(script, "code", {"author": "text", "license": "text"}) == {
        "author": "Ann Smith",
        "license": "MIT",
    }


def test_functions_fill_the_fields_that_the_entries_have() -> None:
    fields = {
        "type": "list",
        "fields": {"function": "text", "class": "text", "args": "list", "line": "number"},
    }
    assert declared(PYTHON, "code", {"functions": fields})["functions"] == [
        {
            "function": "read",
            "class": "Store",
            "args": ["self", "path: str", "deep: bool = False"],
            "line": 12,
        },
        {"function": "add", "args": ["a", "b"], "line": 19},
    ]
    assert declared(PYTHON, "code", {"functions": "list"}) == {"functions": ["read", "add"]}


@pytest.mark.parametrize("language", ["python", "go", "rust", "java", "c", "cpp", "ruby"])
def test_the_language_of_a_program_is_told_with_and_without_its_profile(language) -> None:
    plain = declared(CODE[language], "code", FUNCTIONS)
    assert plain["functions"]
    assert declared(CODE[language], "code", FUNCTIONS, language_guess=language) == plain


def test_fields_of_other_names_take_what_is_declared_under_them() -> None:
    text = "---\nstatus: draft\nreviewed: yes\npages: 12\nparts:\n- {name: a, size: 3}\n---\n"
    fields = {
        "status": {"type": "label", "labels": ["Draft", "Final"]},
        "reviewed": "boolean",
        "pages": "number",
        "parts": {"type": "list", "fields": {"name": "text", "size": "number"}},
    }
    assert declared(text, fields=fields) == {
        "status": "Draft",
        "reviewed": True,
        "pages": 12,
        "parts": [{"name": "a", "size": 3}],
    }


def test_entries_of_people_and_links_take_mail_and_label() -> None:
    fields = {
        "people": {"type": "list", "fields": {"name": "text", "email": "text"}},
        "links": {"type": "list", "fields": {"label": "text", "url": "text"}},
    }
    text = "Name: x\nAuthor: Ann <a@example.org>\nProject-URL: Source, https://example.org/r\n"
    assert declared(text, fields=fields) == {
        "people": [{"name": "Ann", "email": "a@example.org"}],
        "links": [{"label": "Source", "url": "https://example.org/r"}],
    }


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("Ann Smith", ["Ann Smith"]),
        ("Smith, Ann", ["Smith, Ann"]),
        ("Ann Smith, Bob Jones", ["Ann Smith", "Bob Jones"]),
        ("Ann <a@x.org>, Bob <b@x.org>", ["Ann", "Bob"]),
        ("Ann Smith, Bob Jones, and Cleo Clark", ["Ann Smith", "Bob Jones", "Cleo Clark"]),
        ("Ann; Bob and others", ["Ann", "Bob"]),
        ("a@x.org", ["a@x.org"]),
    ],
)
def test_people_in_one_line_are_parted(words, names) -> None:
    assert [one["text"] for one in people_in(words)] == names


def test_it_abstains_where_nothing_is_declared() -> None:
    reading = read("declared_facts", "just words, and no more of them\n" * 3, {"licence": "text"})
    assert reading.status is Status.ABSTAINED


def test_metadata_of_installed_packages_is_read_as_packaging_reads_it() -> None:
    checked = 0
    for package in distributions():
        text = package.read_text("METADATA")
        if text is None or checked >= 60:
            continue
        checked += 1
        told = declared(text, "prose", {"title": "text", "version": "text", "summary": "text"})
        assert told["title"] == package.metadata["Name"]
        assert told["version"] == package.metadata["Version"]
        summary = package.metadata.get("Summary", "UNKNOWN")
        if summary not in ("", "UNKNOWN"):
            assert told["summary"] == " ".join(summary.split())
    assert checked > 20


def test_the_licence_of_a_package_is_the_one_that_it_declares() -> None:
    told = declared(distribution("pydantic").read_text("METADATA"), "prose")
    assert told["licence"] == "MIT"
    assert any("github.com/pydantic/pydantic" in link for link in told["links"])


def test_functions_of_the_standard_library_are_those_of_its_syntax_trees() -> None:
    import ast
    import csv
    import shelve
    import textwrap

    for module in (csv, shelve, textwrap):
        text = Path(module.__file__).read_text("utf-8")
        tree = ast.parse(text)
        expected = [
            (one.name, " ".join((ast.get_docstring(one) or "").partition("\n\n")[0].split()))
            for node in (tree, *(n for n in tree.body if isinstance(n, ast.ClassDef)))
            for one in node.body
            if isinstance(one, ast.FunctionDef)
        ]
        told = declared(text, "code", FUNCTIONS, language_guess="python")["functions"]
        assert sorted(one["name"] for one in told) == sorted(name for name, _ in expected)
        said = {(one["name"], one["description"]) for one in told if "description" in one}
        for name, first in expected:
            assert not first or any(n == name and first.startswith(d[:60]) for n, d in said), name


PIECES = (
    *("---\n", "+++\n", "title", ": ", " = ", '"', "a", "\n", "[", "]", "{"),
    *("}", "- ", "&a", " *a", "Author", "@author ", "def f(", "):\n", "#", "/*", "*/"),
    *(
        "<meta name=a ",
        ">",
        "content=b",
        "<html>",
        "=?utf-8?b?",
        "?=",
        "Copyright (c) 2020 A",
        "::",
        "\ud800",
        "SPDX-License-Identifier: ",
        "'''",
    ),
    *("\t", "%", "!!x", "fn x() {", "}", "2026-03-05"),
)


@fuzz
@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=120,
    ).map("".join),
    st.sampled_from(["prose", "markup", "code", "data"]),
)
def test_whatever_is_declared_the_record_can_be_kept(text, family) -> None:
    reading = read("declared_facts", text, FACTS | FUNCTIONS, family=family)
    answer_columns(reading.answer)


def test_headers_without_a_text_below_them_look_like_data_and_are_read_all_the_same() -> None:
    text = (
        "Metadata-Version: 2.1\nName: zict\nVersion: 3.0.0\nSummary: Mutable mapping tools\n"
        "License: BSD\nClassifier: Topic :: Utilities\nClassifier: License :: OSI Approved\n"
    )
    told = declared(text, "data")
    assert told == declared(text, "prose")
    assert "3.0.0" in str(told) and "Mutable mapping tools" in str(told)
