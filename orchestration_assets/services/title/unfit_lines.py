"""Lines that name nothing: licences, placeholders, containers, greetings, metadata, notices."""

import re
from typing import Final

_BOILERPLATE = re.compile(
    r"copyright|\(c\)\s*\d|\u00a9|\blicen[cs](?:e[des]?|ing)\b|SPDX-|all rights reserved"
    r"|warrant(?:y|ies)"
    r"|redistribut|permission is hereby|permission notice|permission to (?:use|copy)"
    r"|merchantability|fitness for a particular"
    r"|non-?infringement|\bin no event\b|\bliab(?:le|ility)\b|free software|general public"
    r"|you may obtain|you should have received|\bas[ -]is\b|this (?:file|library) is part of"
    r"|part of the .{1,60} (?:project|library|distribution)|distributed (?:on|under|in the hope)"
    r"|without even the implied|terms and conditions|intellectual property|proprietary"
    r"|unless required by|applicable law|in compliance with|you are granted|limitations under"
    r"|\bsee the (?:gnu|file|accompanying|licen)|publicity pertaining|software and associated"
    r"|-\*-|\bvim?:|\beslint|\bnoqa\b|\bpylint|\bistanbul\b|clang-format|@(?:author|license|flow)\b"
    r"|do not (?:edit|modify|align)|auto-?(?:matically )?(?:generated|formatted)|generated (?:by"
    r"|from|with)"
    r"|machine-generated|table of contents|all rights|internal use|\$(?:Id|Revision|Date|Header)\b"
    r"|more information:|plus d.informations|m\u00e1s informaci\u00f3n|\u66f4\u591a\u4fe1\u606f"
    r"|cookies? (?:policy|to)|skip to (?:main )?content|javascript (?:is )?(?:required|disabled)"
    r"|printed on|imprim\u00e9 sur|gedruckt auf",
    re.IGNORECASE,
)

_NUMBERED = re.compile(r"\A(?:(?:\d{1,2}|[A-Z]|[ivx]{1,4})[.)](?:\d{1,2}[.)]?)*\s+)")
_EDGES: Final = " \t.,;:!?-\u2013\u2014_*~()[]{}<>#|\"'`"


def _terms(text: str) -> frozenset[str]:
    return frozenset(term.strip() for term in text.split(","))


# What stands where a title was not filled in.
_PLACEHOLDERS: Final = _terms(
    "untitled, untitled document, no subject, no title, change me, changeme, fixme, todo, to do, "
    "tbd, "
    "tba, title, your title here, insert title here, document title, lorem ipsum, "
    "redirecting, redirection, redirect, loading, please wait, document, page, new page, "
    "new document, "
    "example, placeholder, none, null, undefined, n/a, na, xxx, foo, bar, test, kein betreff, "
    "ohne titel, sans titre, sin t\u00edtulo, notebook, unbenannt, error"
)
# What a page is part of, or a place to go to from it.
_CONTAINERS: Final = _terms(
    "home, homepage, home page, start, start page, main, main page, index, welcome, blog, "
    "weblog, news, "
    "newsletter, download, downloads, forum, forums, docs, wiki, menu, main menu, navigation, "
    "site map, sitemap, search, login, log in, sign in, sign up, register, account, my account, "
    "dashboard, "
    "contact, contact us, about, about us, imprint, impressum, legal, privacy, terms, back, next, "
    "previous, up, top, archive, archives, category, categories, tags, share, print, "
    "skip to content, "
    "skip to main content, contents, table of contents, toc, on this page, in this article, "
    "keyboard shortcuts, related links, quick links, startseite, inhalt, inhaltsverzeichnis, "
    "aktuelles, "
    "accueil, sommaire, table des mati\u00e8res, actualit\u00e9s, inicio, portada, contenido, "
    "\u00edndice, "
    "tabla de contenidos, noticias, \u76ee\u5f55, \u9996\u9875"
)
# Sections that any document may have: they name a part of it, never the whole beside other parts.
_SECTIONS: Final = _terms(
    "abstract, acknowledgements, acknowledgments, added, agenda, any other business, aob, "
    "apologies, appendix, "
    "attendees, author, authors, background, bug, bugs, build, building, caveats, changed, "
    "changelog, "
    "changes, code, command line, comments, community, compatibility, compiling, conclusion, "
    "conclusions, "
    "configuration, contact, contributing, contributors, copying, credits, data, date, "
    "definitions, "
    "dependencies, deprecated, description, development, diagnostics, discussion, documentation, "
    "environment, errors, example, examples, exercise, exercises, exit status, faq, features, "
    "files, fixed, "
    "fixes, further reading, general, getting help, getting started, goals, help, hints, "
    "history, how to use, "
    "how to, imports, important, improvements, info, information, install, installation, "
    "installing, "
    "introduction, issues, keys, known bugs, known issues, known limitations, known problems, "
    "last meeting, learning goals, learning objectives, legal, licence, license, limitations, "
    "links, localization, "
    "maintainers, matters arising, method, methods, minutes, minutes of the last meeting, "
    "miscellaneous, motivation, name, new, new features, next meeting, note, notes, "
    "objectives, options, other, outline, output, overview, parameters, participants, "
    "prerequisites, "
    "present, preface, purpose, questions, quick start, quickstart, readme, reference, references, "
    "release notes, removed, requirements, resources, results, return value, returns, roadmap, "
    "running, "
    "running tests, screenshots, security, see also, set up, set-up, setup, settings, solution, "
    "status, "
    "steps, steps to reproduce, summary, support, supported platforms, synopsis, syntax, "
    "system requirements, "
    "task, tasks, testing, tests, thanks, tips, todo, to do, to-do, tools, troubleshooting, "
    "tutorial, "
    "tutorials, upgrade, upgrading, usage, use, using, version, versioning, versions, warning, "
    "what's new, "
    "einf\u00fchrung, einleitung, einrichtung, einstellungen, beispiel, beispiele, beschreibung, "
    "hinweise, "
    "lizenz, mitmachen, mitwirken, nutzung, verwendung, voraussetzungen, \u00dcberblick, "
    "zusammenfassung, "
    "licence, mise en route, pr\u00e9requis, utilisation, contribuer, exemples, introducci\u00f3n, "
    "instalaci\u00f3n, uso, licencia, requisitos, ejemplos, contribuir, r\u00e9sum\u00e9, "
    "resumen, historique, "
    "\u5b89\u88c5, \u4f7f\u7528, \u4ecb\u7ecd, \u7b80\u4ecb, \u8bb8\u53ef\u8bc1"
) | frozenset({"\u00fcberblick"})

_GREETING = re.compile(
    r"\A(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|greetings|thanks?(?: you)?"
    r"|cheers|"
    r"(?:best|kind|warm|many)?\s?regards|sincerely|yours|best wishes|hallo|liebe[rs]?"
    r"|sehr geehrte[rs]?|"
    r"guten (?:tag|morgen|abend)|viele gr\u00fc\u00dfe|mit freundlichen|danke|bonjour|bonsoir"
    r"|salut|ch(?:er|\u00e8re)s?|"
    r"merci|cordialement|hola|estimad[oa]s?|querid[oa]s?|buen[oa]s|gracias|saludos|ps"
    r"|p\.\s?s\.)(?=[\W\d]|\Z)",
    re.IGNORECASE,
)
_MAX_GREETING_WORDS: Final = 8
_MAX_ADDRESS_WORDS: Final = 4
_METADATA = re.compile(
    r"\A(?:from|to|cc|bcc|subject|re|reply-to|sender|date|sent|received|message-id"
    r"|content-[\w-]+|mime-version|x-[\w-]+"
    r"|return-path|delivered-to|boundary|author|authors|reporter|reported by|assignee"
    r"|assigned to|owner|"
    r"labels?|tags?|status|state|priority|severity|component|milestone|duplicate of|blocks"
    r"|blocked by|"
    r"depends on|version|release|revision|page|pages|maintainers?|last (?:change|changed"
    r"|modified|updated|"
    r"revision)|latest revision|modified|updated|created|filename|file|encoding|coding|tocdepth"
    r"|present|"
    r"attendees|participants|apologies|absent|chair|minutes(?: taken)? by|taken by|location"
    r"|venue|time|"
    r"next meeting|signature|signed|url|link|website|homepage|source|see|ticket|issue|ref"
    r"|reference|support|"
    r"due|deadline|phone|tel|fax|e-?mail|von|an|datum|de|para|fecha|asunto|objet|\u00e0|share"
    r"|compartir|teilen)"
    r"\s?:|\Acommit [0-9a-f]{7,40}\b",
    re.IGNORECASE,
)
# Stamps of a clock, levels, and other brackets that lines of logs begin with.
_LOG_LINE = re.compile(
    r"\A(?:\[[^\]]{1,40}\]\s*|\d{4}-\d\d-\d\d[T ]|\d\d:\d\d(?::\d\d)?\b|(?:TRACE|DEBUG|INFO"
    r"|NOTICE|WARN(?:ING)?|"
    r"ERROR|FATAL|CRITICAL)\b)"
)
_CODE_LINE = re.compile(
    r"\A(?:[%!$>]\s?\w|#!|--?[a-z]|#\s?(?:include|define|if|ifdef|pragma)\b|import\s+[\w.]+"
    r"|from\s+[\w.]+\s+import\b"
    r"|package\s+[\w.]+;?\Z|using\s+[\w:.]+;|\\[a-z]+\b|@\w+|\.[A-Z]{1,2}\b|<[?!/%]|\{[%{#])"
    r"|[A-Za-z\d+/]{40,}|[;{}]\Z|\w\([^()]*\)\Z"
)
_LINK_DEFINITION = re.compile(r"\A\[[^\]]+\]:\s*\S+|\A\[[ xX]\]|\A\.\.\s")
_NOTICE = re.compile(
    r"\A(?:please|do not|don't|never|bitte|nicht|ne pas|ne \w+ pas|por favor|no \w+ar\b"
    r"|confidential|"
    r"vertraulich|confidentiel|confidencial|last compiled|auto-transcript)\b|\Ausage:"
    r"|\A(?:internal|draft|warning|caution|important|attention|nota bene|note|tip|fixme|todo"
    r"|hack|xxx|"
    r"entwurf|achtung|hinweis)\s*[:!\u2013\u2014-]",
    re.IGNORECASE,
)
# One release of many: a list of changes is not named by it.
_RELEASE = re.compile(
    r"\([^()]*\)|\[[^\[\]]*\]|\b(?:version|release[ds]?|v|unreleased|final|beta|alpha|rc|dev"
    r"|date|on|of|"
    r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|"
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?))\b|\bv?\d[\w.+-]*",
    re.IGNORECASE,
)
# "Changelog of this notebook", "How to use this document"
_SELF_REFERENCE = re.compile(
    r"\s+(?:(?:of|for|to|in|about) )?(?:this|the|our) (?:\w+ )?(?:document|file|notebook|page"
    r"|project|"
    r"package|library|repository|tool|program|manual|guide)\Z"
)
_COLUMNS = re.compile(r"\S(?:[ \t]{3,}|[ ]{0,2}\t[ \t]?)\S")
_FIELD = re.compile(r"(?:\A|[\s;\"'])[\w-]{2,30}(?:[:=](?=[\s\"'])|=(?=\w))")
_MIN_FIELDS: Final = 2
_PARTS = re.compile(r"\s+[|\u00bb\u203a>\u00b7\u2022]\s+|\s+/\s+")
_MIN_BREADCRUMBS: Final = 3
_MAX_BREADCRUMB_WORDS: Final = 4
_SHOUTED = re.compile(
    r"\A[^a-z]*[A-Z]{3}[^a-z]*\Z"
    r"|\A[\W\d_]*(?:[A-Z]{5,}|[A-Z]{2,}\s+[A-Z]{2,})\b(?:\s+[A-Z]{2,}\b)*\s*[:\u2013\u2014!-]"
)


def is_boilerplate(line: str) -> bool:
    """Whether a line is about the file rather than its content: licence, editor, generator."""
    return _BOILERPLATE.search(line) is not None


def is_section_name(line: str) -> bool:
    """Whether a heading is one that any document may have over a part of it: *Usage*, "
    "*3. Notes*."""
    return _SELF_REFERENCE.sub("", _bare(line)) in _SECTIONS


def is_release(line: str) -> bool:
    """Whether a line names a version or a date, and nothing else."""
    return not any(map(str.isalpha, _RELEASE.sub("", line)))


def names_nothing(line: str) -> bool:
    """Whether a line cannot be a title, wherever it stands: a placeholder, the name of a container,
    a greeting, metadata, a link definition, breadcrumbs, or a release without its product."""
    bare = _bare(line)
    return (
        bare in _PLACEHOLDERS
        or bare in _CONTAINERS
        or not any(map(str.isalpha, bare))
        or "{{" in line
        or "{%" in line
        or is_greeting(line)
        or _METADATA.match(line) is not None
        or _LINK_DEFINITION.match(line) is not None
        or is_breadcrumb(line)
        or is_release(line)
    )


def is_notice(line: str) -> bool:
    """Whether a line tells the reader what to do or to mind rather than what the content is."""
    return _NOTICE.match(line.lstrip(_EDGES)) is not None


def is_aside(line: str) -> bool:
    """Whether a line beside the text of a document is none of it: a notice, a shouted label, a
    line of a log, the header of a page."""
    return (
        is_notice(line)
        or _SHOUTED.match(line) is not None
        or _LOG_LINE.match(line) is not None
        or _COLUMNS.search(line.strip()) is not None
    )


def is_code(line: str) -> bool:
    """Whether a line is a command, a statement or a call."""
    return _CODE_LINE.search(line) is not None


def is_record(line: str) -> bool:
    """Whether a line consists of fields with their values: *Type: a; name="b"*."""
    return len(_FIELD.findall(line)) >= _MIN_FIELDS


def is_greeting(line: str) -> bool:
    """Whether a line is a greeting, thanks or a farewell, and little more."""
    words = line.lstrip(_EDGES).split()
    addressed = any(word.endswith((",", "!")) for word in words[:_MAX_ADDRESS_WORDS])
    return _GREETING.match(line.lstrip(_EDGES)) is not None and (
        addressed or len(words) <= _MAX_GREETING_WORDS
    )


def is_breadcrumb(line: str) -> bool:
    """Whether a line is a row of places to go to: *Guide | Changelog | Forum*."""
    parts = _PARTS.split(line.strip())
    return len(parts) >= _MIN_BREADCRUMBS and all(
        len(part.split()) <= _MAX_BREADCRUMB_WORDS for part in parts
    )


def _bare(line: str) -> str:
    return _NUMBERED.sub("", line.strip(_EDGES)).strip(_EDGES).casefold()
