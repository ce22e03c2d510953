"""JavaScript or TypeScript: TypeScript says so by its types, JavaScript only by having none."""

import re
from itertools import islice
from typing import Final

_READ_CHARS: Final = 6144

# Comments and strings go: prose has colons, and JSDoc has types. Every alternative ends at the
# latest with its line or with the text, so the pattern is linear.
_COMMENTS_AND_STRINGS = re.compile(
    r"/\*.*?(?:\*/|\Z)|//[^\n]*|\"(?>(?:[^\"\\\n]|\\.)*)\"?|'(?>(?:[^'\\\n]|\\.)*)'?", re.DOTALL
)

_TYPE = r"(?:string|number|boolean|any|void|unknown|never|bigint|symbol|object)\b"
_TYPESCRIPT = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?:default[ \t]+)?(?:declare[ \t]+)?(?:"
    r"interface[ \t]+[A-Z_]\w*[^\n=(]{0,200}\{?$"
    r"|type[ \t]+\w+(?:<[^\n]{0,200}>)?[ \t]*="
    r"|(?:const[ \t]+)?enum[ \t]+\w+[ \t]*\{"
    r"|(?:namespace|module)[ \t]+[\w.]+[ \t]*\{"
    r"|abstract[ \t]+class[ \t]"
    r"|declare[ \t]+(?:const|let|var|function|class|module|global|namespace)\b)"
    r"|^[ \t]*(?:public|private|protected|readonly|abstract|override|declare)[ \t]+"
    r"(?:(?:static|async|readonly|abstract|get|set)[ \t]+){0,4}[\w#]+[ \t]*[(?:=;<!]"
    r"|\b(?:import|export)[ \t]+type[ \t]+[\w{*]"
    r"|^[ \t]*(?:export[ \t]+)?import[ \t]+\w+[ \t]*=|^export(?:[ \t]*=|[ \t]+as[ \t]+namespace\b)"
    r"|[{,]\s*type[ \t]+[A-Z]\w*[ \t]*[,}]"
    r"|\b(?:let|const|var)[ \t]+\w+[ \t]*:[ \t]*[\w{(\[]"
    rf"|[\w)\]]\??:[ \t]*(?:readonly[ \t]+)?{_TYPE}[ \t]*[;)=|&\[{{>]"
    r"|[\w)\]]\?:[ \t]"
    r"|\)[ \t]*:[ \t]*[\w<>\[\]|&.{}, \t]{1,120}(?:=>|\{)[ \t]*$"
    r"|\([ \t]*(?:this|\w+)[ \t]*:[ \t]*[A-Z]\w*[ \t]*[,)<|=\[]"
    r"|\([ \t]*(?:public|private|protected|readonly)[ \t]"
    r"|\bas[ \t]+(?:const|any|unknown|never|string|number|keyof|typeof)\b"
    r"|[)\]][ \t]*as[ \t]+[A-Z]\w*"
    r"|\w!\.\w|\w!\[|\w![;,)]"
    r"|\bimplements[ \t]+[A-Z]"
    r"|\b(?:class|function)[ \t]+\w+<"
    rf"|\w<(?:{_TYPE}|[A-Z]\w*)(?:\[\])?(?:,[^<>\n()]{{0,80}})?>[ \t]*[(),;{{=]"
    r"|\bextends[ \t]+[\w.]+<"
    r"|\b(?:keyof|infer|satisfies|unique symbol)[ \t]+\w"
    r"|\w+[ \t]+is[ \t]+[A-Z]\w*[ \t]*[{;=]",
    re.MULTILINE,
)
_FLOW = re.compile(r"@(?:no)?flow\b")
_COMMONJS = re.compile(
    r"\brequire\(|\bmodule\.exports\b|^exports\.|^[ \t]*['\"]use strict|\.prototype\.|\bvar[ \t]+\w"
    r"|@(?:param|returns?|type|typedef)[ \t]+\{|\bdefine\(",
    re.MULTILINE,
)

# A module that only passes on what others export looks the same in both languages.
_REEXPORT = re.compile(
    r"(?:import|export) ?(?:[\w*$]+(?: as [\w$]+)? ?,? ?){0,2}(?:\{[^{}]*\})? ?(?:from)? ?;? ?"
)
_UNTYPED_REEXPORT: Final = 0.5
# How often other code without any type in sight is TypeScript after all, by how much of it
# there is: (up to this many characters, share).
_UNTYPED_MODULE: Final = ((160, 0.12), (320, 0.09), (640, 0.05))
_UNTYPED_LONG: Final = 0.025
_UNTYPED_OLD_STYLE: Final = 0.006
_FLOW_TYPED: Final = 0.03
# By the number of type marks found: even one is telling.
_TYPED_SHARES: Final = (0.95, 0.98, 0.993)


def typescript_share(text: str) -> tuple[float, str]:
    """The probability that ECMAScript ``text`` is TypeScript, and why."""
    head = text[:_READ_CHARS]
    if _FLOW.search(head):
        return _FLOW_TYPED, "typed by Flow"
    code = _COMMENTS_AND_STRINGS.sub(" ", head)
    marks = sum(1 for _ in islice(_TYPESCRIPT.finditer(code), len(_TYPED_SHARES)))
    if marks:
        return _TYPED_SHARES[marks - 1], "TypeScript's types in sight"
    if _COMMONJS.search(head):
        return _UNTYPED_OLD_STYLE, "no types, CommonJS or older style"
    code = " ".join(code.split())
    if not _REEXPORT.sub("", code):
        return _UNTYPED_REEXPORT, "only imports and exports"
    share = next((share for end, share in _UNTYPED_MODULE if len(code) < end), _UNTYPED_LONG)
    return share, f"no types in {len(code)} characters of code"
