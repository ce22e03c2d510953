"""The two title services and their judge."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.services.registry import load_embedded
from orchestration_assets.services.title.title_form import MAX_TITLE, as_title, form_score
from tests.services.questions import ask, question, question_for
from tests.services.samples import CODE, PROSE

ARCHIVE = (
    "The archive keeps old files. Nobody reads old files of the archive in the summer. "
    "Old files move to the archive at night. The weather was fine. "
)


@pytest.mark.parametrize(
    ("text", "family", "title"),
    [
        ("# Keep old files\n\nText.\n", "markup", "Keep old files"),
        ("[![b](x)](y)\n\n## Use *it* ##\n", "markup", "Use it"),
        ("# Learn C#\n", "markup", "Learn C#"),
        ("---\ntags: [a]\ntitle: 'Old files'\n---\n\n# Other\n", "markup", "Old files"),
        ("Old files\n=========\n\nText.\n", "prose", "Old files"),
        ("=====\nTitle here\n=====\n\nText.\n", "markup", "Title here"),
        ("```\n# no heading\n```\n# A heading\n", "markup", "A heading"),
        ("<html><head><title> Old\n files </title></head></html>", "markup", "Old files"),
        ("<html><body><h1>Old <b>files</b></h1></body></html>", "markup", "Old files"),
        ("\\documentclass{a}\n\\title{Old files}\n", "markup", "Old files"),
        ('"""Keeps old files. More.\n"""\nimport os\n', "code", "Keeps old files"),
        ("#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n'''Old files'''\n", "code", "Old files"),
        (
            "// Copyright 2020 Somebody.\n// All rights reserved.\n\npackage a\n",
            "code",
            None,
        ),
        ("#!/bin/sh\n# Moves old files. Nightly.\nmv a b\n", "code", "Moves old files"),
        (CODE["go"], "code", None),
        ('{"name": "store", "description": "Keeps old files"}', "data", "store"),
        ('{"a": {"title": "no"}, "title": "Old files"}', "data", "Old files"),
        ('[project]\nname = "old-files"\nversion = "1"\n', "data", "old-files"),
        ("title: Old files\nsteps: []\n", "data", "Old files"),
        ("<?xml version='1.0'?><a><title>Old files</title></a>", "data", "Old files"),
        ("Subject: Old files\nFrom: somebody\n\nText\n", "prose", "Old files"),
        (PROSE["en"], "prose", None),
        ("", "markup", None),
    ],
)
def test_declared(text: str, family: str, title: str | None) -> None:
    reading = ask("declared_title", text, family)
    assert reading.answer == title
    assert bool(reading.reason) == (title is None)


BADGE = "[![build](https://ci.example.org/a.svg)](https://ci.example.org/a)"


@pytest.mark.parametrize(
    ("text", "family", "title"),
    [
        # badges, link definitions, images and anchors are no words of a heading
        (f"# Tide tables {BADGE}\n\nText.\n", "markup", "Tide tables"),
        ("# Tide tables [![b][ci]][ci]\n\n[ci]: https://example.org\n", "markup", "Tide tables"),
        (f"{BADGE}\n{BADGE}\n\nTide tables\n===========\n", "markup", "Tide tables"),
        ("# ![Jansi](logo.png)\n\nText.\n", "markup", "Jansi"),
        ('<h1 align="center">Tide <i>tables</i></h1>\n\nText.\n', "markup", "Tide tables"),
        ("<!-- # Old name -->\n# Tide tables\n", "markup", "Tide tables"),
        # names keep their marks
        ("FLAGS_<CONFIG>\n--------------\n\nText.\n", "markup", "FLAGS_<CONFIG>"),
        ("<LANG>_STANDARD\n---------------\n\nText.\n", "markup", "<LANG>_STANDARD"),
        ("a\\.b\\_c package\n==============\n", "markup", "a.b_c package"),
        (":mod:`email` Architecture\n=========================\n", "markup", "email Architecture"),
        (
            ".. |X| replace:: BitString\n\n|X| type\n--------\n",
            "markup",
            "BitString type",
        ),
        # contents, sections and containers name no whole; alone at the top a section's name does
        ("Contents\n========\n\n* [A](#a)\n\nMotivation\n----------\n\nText\n", "markup", None),
        ("# 1. Setup\n\nText.\n\n# 2. Rain and bicycles\n", "markup", "Rain and bicycles"),
        ("## Changelog of this notebook\n\n## Soil probes\n", "markup", "Soil probes"),
        ("# Installation\n\nText.\n\n## Supported systems\n", "markup", "Installation"),
        (
            "<html><title>Home</title><h1>Blog</h1><h2>Opening hours in winter</h2></html>",
            "markup",
            "Opening hours in winter",
        ),
        ("<html><head><title>Redirecting...</title></head><body></body></html>", "markup", None),
        ("<table></table><p><b>Parade permit</b></p><p>Text</p>", "markup", "Parade permit"),
        # one release of many
        ("## 1.2.0 (2024-01-02)\n\n### Added tables\n\n- one\n", "markup", None),
        ("Version 1.0.0, Fri 22 Nov 2013\n==========================\n", "prose", None),
        # what stands before the title
        (
            "Guide | Changes | Forum\n\nVersion 2 at a glance\n\nText.\n",
            "prose",
            "Version 2 at a glance",
        ),
        ("CONFIDENTIAL \u2013 members only\n\nSpring fair\n\nText.\n", "prose", "Spring fair"),
        ("Dear all,\n\nthe fair is over. It was good.\n", "prose", None),
        ("From: a\nSubject: (no subject)\n\nText.\n", "prose", None),
        ("Subject: Re: Fwd: Spring fair\n\nText.\n", "prose", "Spring fair"),
        (
            "1. Bell tower. It stays.\n\n2. Summer fair. It comes.\n",
            "prose",
            "Bell tower and Summer fair",
        ),
        # manual pages
        (
            '.TH A 1\n.SH "NAME"\na\\-b \\[em] joins\nall \\fIfiles\\fR\n.SH SYNOPSIS\n',
            "prose",
            "a-b - joins all files",
        ),
        ("A(1)     Tools     A(1)\n\na is a tool.\n", "prose", "A(1)"),
        (
            "package Dpkg;\n\n=head1 NAME\n\nDpkg::Arch - architectures\n",
            "code",
            "Dpkg::Arch - architectures",
        ),
        # comments: what stands behind a licence, between rules, after the name of the file
        (
            "/* This program is free software. */\n\n/* vim: set ts=8: */\n\n"
            "/*\n * Debounce for pedal switches.\n *\n * Contacts bounce.\n */\n#include <a.h>\n",
            "code",
            "Debounce for pedal switches",
        ),
        ("//===- llvm/A.h - Pass class ---*- C++ -*-===//\n//\n", "code", "llvm/A.h - Pass class"),
        ("# init.tcl --\n#\n# Start-up file.\n#\nset a 1\n", "code", "init.tcl: Start-up file"),
        ('" Vim syntax file\n" Maintainer: A\nsyn clear\n', "code", "Vim syntax file"),
        ("#[=======[.rst:\nVerify\n------\n]=======]\nset(a 1)\n", "code", "Verify"),
        ("/**\n * @file a.h\n * @brief Keeps old files.\n */\n", "code", "Keeps old files"),
        ("x = 1\n# this is about one line\ny = 2\n", "code", None),
        ('"use strict";\nconst a = 1;\n', "code", None),
        (
            "% draft\n\\documentclass{a}\n% \\title{No}\n\\section*{House rules}\n",
            "code",
            "House rules",
        ),
    ],
)
def test_what_names_the_whole(text: str, family: str, title: str | None) -> None:
    assert ask("declared_title", text, family).answer == title


def test_a_notebook_is_named_by_its_heading() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["This notebook is part of the docs.\n"]},
        {"cell_type": "markdown", "source": ["# Pre-executing notebooks\n", "Text.\n"]},
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    assert ask("declared_title", text, "markup").answer == "Pre-executing notebooks"


@given(st.text(max_size=600), st.sampled_from(["prose", "markup", "code", "data"]))
def test_any_text_has_a_title_that_fits_a_line_or_none(text: str, family: str) -> None:
    for service in ("declared_title", "central_sentence"):
        answer = ask(service, text, family).answer
        assert answer is None or (isinstance(answer, str) and 0 < len(answer) <= MAX_TITLE)
        assert answer is None or (answer.isprintable() and any(map(str.isalpha, answer)))


@pytest.mark.parametrize(
    "heading", ["Keep old files", "C#", "snake_case names", "a/b testing", 'What\'s "new"']
)
def test_the_own_heading_of_a_page_stands(heading: str) -> None:
    page = (
        f"# {heading}\n\n> Convert a file, copy a file and list the file.\n\n"
        "- Convert a file to a file:\n\n`dd {{file}}`\n\n- List all files of the file:\n\n`ls`\n"
    )
    title = load_embedded("title_judge").answer(question_for("title_judge", page, family="markup"))
    assert isinstance(title.answer, str)
    assert title.answer.startswith(heading)


LOG = (
    "2025-03-02T01:00:00Z INFO  start job=nightly errors=0\n"
    "2025-03-02T01:41:19Z WARN  soft error count=3\n"
    "2025-03-02T01:53:02Z ERROR tape.drive write failed: medium worn\n"
    "2025-03-02T01:53:02Z ERROR run aborted\n"
)


@pytest.mark.parametrize(
    ("log", "event"),
    [
        (LOG, "tape.drive write failed: medium worn"),
        (LOG.replace("ERROR", "INFO"), "soft error count=3"),
        (
            "[1/3] lint .... ok\n[2/3] migrate .... FAILED\n  column exists\n[3/3] x .... ok\n",
            "migrate FAILED: column exists",
        ),
        (LOG.replace("ERROR", "INFO").replace("WARN", "INFO"), None),
    ],
)
def test_a_log_is_named_by_what_went_wrong(log: str, event: str | None) -> None:
    assert ask("declared_title", log).status is Status.ABSTAINED
    assert ask("central_sentence", log).answer == event


def test_stray_sentences_are_no_titles() -> None:
    inside = (
        "import os\n\n\ndef a():\n    # put it back in case we altered it along the way\n    pass\n"
    )
    assert ask("central_sentence", inside, "code").status is Status.ABSTAINED
    changes = "0.16 (2022-04-13)\n=================\n\nFixed the reading of old files at last.\n"
    assert ask("central_sentence", changes).status is Status.ABSTAINED
    letter = "Hello team, quick one!\n\nWe keep it short. The contact form loses every message.\n"
    assert ask("central_sentence", letter).answer == "The contact form loses every message"
    items = "Keeps old files in the archive.\n\n- Move the old files of the archive\n- Move files\n"
    assert ask("central_sentence", items).answer == "Keeps old files in the archive"


def test_what_is_declared_less_clearly_is_less_sure() -> None:
    heading = ask("declared_title", "# Keep old files\n", "markup").confidence
    comment = ask("declared_title", "# Keep old files\nmv a b\n", "code").confidence
    name = ask("declared_title", "# tar\n", "markup").confidence
    assert heading is not None
    assert comment is not None
    assert name is not None
    assert heading > comment
    assert heading > name


def test_the_most_central_sentence() -> None:
    reading = ask("central_sentence", ARCHIVE)
    assert isinstance(reading.answer, str)
    assert "archive" in reading.answer
    assert "weather" not in reading.answer


def test_comments_are_sentences() -> None:
    code = "# Moves old files\nx = 1\n# Keeps the old files that are read\ny = 2\n"
    answer = ask("central_sentence", code, "code").answer
    assert answer in {"Moves old files", "Keeps the old files that are read"}


def test_long_sentences_are_cut_at_a_word() -> None:
    answer = ask("central_sentence", "The archive keeps " + "many old " * 30 + "files.").answer
    assert isinstance(answer, str)
    assert len(answer) <= MAX_TITLE
    assert answer.endswith(("many…", "old…"))


@pytest.mark.parametrize("text", ["", "one two", "12 34 56 78", "/usr/lib/a/b"])
def test_no_sentence(text: str) -> None:
    assert ask("central_sentence", text).status is Status.ABSTAINED


def test_data_has_no_sentence() -> None:
    assert ask("central_sentence", ARCHIVE, "data").status is Status.ABSTAINED


def said(title: str, confidence: float = 0.5) -> Reading:
    return Reading(Status.OK, answer=title, confidence=confidence)


def judged(text: str, *titles: str) -> Reading:
    earlier = tuple((f"service_{place}", said(title)) for place, title in enumerate(titles))
    return load_embedded("title_judge").answer(question("title", text, earlier=earlier))


def test_judge_takes_the_title_that_covers_more() -> None:
    reading = judged(ARCHIVE, "The weather was fine", "The archive keeps old files")
    assert reading.answer == "The archive keeps old files"
    assert reading.evidence is not None
    assert reading.evidence.startswith("service_1 of 2")
    assert [other.answer for other in reading.alternatives] == ["The weather was fine"]


@pytest.mark.parametrize(
    "bad", ["/srv/archive/old/files", "Copyright 2020 the archive of old files", "$ mv old files"]
)
def test_judge_minds_the_form(bad: str) -> None:
    assert judged(ARCHIVE, bad, "Keeping of old things").answer == "Keeping of old things"


def test_judge_joins_a_name_and_a_sentence() -> None:
    text = "# mvold\n\nmvold moves files to the archive.\n"
    assert judged(text, "mvold", "Moves files to the archive").answer == (
        "mvold: Moves files to the archive"
    )


def test_judge_scores_a_single_title() -> None:
    good, bad = judged(ARCHIVE, "The archive of old files"), judged(ARCHIVE, "Summer")
    assert good.confidence is not None
    assert bad.confidence is not None
    assert good.confidence > bad.confidence > 0


def test_judge_does_not_care_who_was_first() -> None:
    titles = ("The weather was fine", "The archive keeps old files")
    assert judged(ARCHIVE, *titles).answer == judged(ARCHIVE, *reversed(titles)).answer


def test_judge_abstains_without_titles() -> None:
    abstained = Reading(Status.ABSTAINED, reason="none")
    failed = Reading(Status.FAILED, reason="broken")
    asked = question("title", ARCHIVE, earlier=(("a", abstained), ("b", failed)))
    assert load_embedded("title_judge").answer(asked).status is Status.ABSTAINED
    assert judged(ARCHIVE).status is Status.ABSTAINED


def test_form() -> None:
    assert form_score("Keep old files") == 1.0
    assert form_score("tar") < 1.0
    assert form_score("This has been replaced by") < 1.0
    assert form_score("https://example.org/a/b") < 0.2
    assert form_score("12 34") < 0.3
    assert form_score("") == 0.0
    assert as_title("## **Old** [files](a.md): \x00\ud800") == "Old files"
    assert as_title("Use `max_size` of __file_name__") == "Use max_size of file_name"
