"""The comment that a program opens with, as paragraphs, in whatever language it is written."""

import re
from collections.abc import Iterator
from typing import Final

from orchestration_assets.services.title.unfit_lines import is_boilerplate, is_section_name

_MAX_LINES: Final = 200
_MAX_LINE: Final = 400
_BLOCKS: Final = (
    ("/*", "*/"),
    ("<!--", "-->"),
    ("(*", "*)"),
    ("{-", "-}"),
    ("--[[", "]]"),
    ("%{", "%}"),
)
_LINE = re.compile(
    r"\s*(?:#(?!!|\[|[ \t]*(?:include|define|if|ifdef|ifndef|pragma)\b)|//|--|%|;|\"(?=\s|\Z)"
    r"|'(?=\s)"
    r"|!|REM\b)(.*)"
)
# CMake's comments in brackets: #[==[.rst: ... ]==]
_BRACKETED = re.compile(r"#\[(=*)\[(?:\.rst:)?")
# What may stand before the comment that describes a file.
_PREAMBLE = re.compile(
    r"\s*(?:#!/.*|#\s*(?:ifndef|define|pragma)\b.*|<\?(?:php|xml)\b.*|['\"]use strict['\"];?"
    r"|\\documentclass.*)?\s*"
)
# "===- File.h - What it is ---*- C++ -*-===": rules, and settings of editors.
_SETTINGS = re.compile(r"-*\*-.*?-\*-*")
_DECORATION = re.compile(r"[=\-*#/+~_!;%]{3,}-?|^[=\-*#/+~!;%\s]+|[=\-*#/+~!;%\s]+$|^\|\s|\s\|$")
_DOC_TAG = re.compile(
    r"^[@\\](?:brief|short|file|fileoverview|module|summary|desc(?:ription)?)\b:?\s*"
)
_FILE_TAG = re.compile(r"^[@\\]file\b\s*\S*\s*$")


_OPENS = re.compile(r"\s*(?:/\*|//\s|--\s|;+\s|%+\s|#\s[^\n]*\n#(?:\s|\Z)|\"\s)")


def opens_with_comment(text: str) -> bool:
    """Whether a text without a known language begins with the comment of a program."""
    return _OPENS.match(text) is not None


def telling_paragraphs(code: str) -> list[str]:
    """The leading comment's paragraphs without licences, notices of generators and credits.

    A name may stand above a licence in one paragraph: what precedes the licence stays.
    """
    telling = []
    for paragraph in comment_paragraphs(code):
        lines = paragraph.split("\n")
        if is_section_name(lines[0]):
            continue
        if is_boilerplate(paragraph):
            kept = next((n for n, line in enumerate(lines) if is_boilerplate(line)), 0)
            lines = lines[:kept] if kept < len(lines) else []
        if lines:
            telling.append("\n".join(lines))
    return telling


def comment_paragraphs(code: str) -> list[str]:
    """The paragraphs of the comments before the first line of code, without comment marks.

    Lines keep their breaks; an empty comment line and the end of a comment end a paragraph.
    """
    paragraphs: list[list[str]] = [[]]
    for line in _comment_lines(code):
        text = _plain(line) if line is not None else ""
        if text:
            paragraphs[-1].append(text)
        elif paragraphs[-1]:
            paragraphs.append([])
    return ["\n".join(lines) for lines in paragraphs if lines]


def _plain(line: str) -> str:
    line = " ".join(line[:_MAX_LINE].split())
    if _FILE_TAG.match(line.strip(" *")):
        return ""
    return _DOC_TAG.sub("", _DECORATION.sub(" ", _SETTINGS.sub("", line).strip()).strip()).strip()


def _comment_lines(code: str) -> Iterator[str | None]:
    """Each line of the leading comments; None between two comments."""
    closing = ""
    for line in code.split("\n", _MAX_LINES)[:_MAX_LINES]:
        if closing:
            inside, end, _ = line.partition(closing)
            yield inside
            if end:
                closing = ""
                yield None
            continue
        if bracket := _BRACKETED.match(line):
            closing = f"]{bracket[1]}]"
            yield line[bracket.end() :]
            continue
        opened = next((pair for pair in _BLOCKS if line.lstrip().startswith(pair[0])), None)
        if opened:
            inside = line.lstrip()[len(opened[0]) :]
            text, end, _ = inside.partition(opened[1])
            yield text
            closing = "" if end else opened[1]
            if end:
                yield None
        elif match := _LINE.fullmatch(line):
            yield match[1]
        elif _PREAMBLE.fullmatch(line[:_MAX_LINE].strip()):
            yield None
        else:
            return
