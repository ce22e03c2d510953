"""The two title services and their judge."""

import pytest

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.items import Reading
from orchestration_assets.services.registry import load_embedded
from orchestration_assets.services.title.title_form import MAX_TITLE, as_title, form_score
from tests.services.questions import ask, question
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
