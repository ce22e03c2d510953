"""JavaScript or TypeScript: TypeScript says so by its types, JavaScript only by having none."""

import re
from typing import Final

_READ_CHARS: Final = 6144

# Comments and strings go: prose has colons, and JSDoc has types. Every alternative ends at the
# latest with its line or with the text, so the pattern is linear.
_SILENT = re.compile(
    r"/\*.*?(?:\*/|\Z)|//[^\n]*|\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?", re.DOTALL
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
    r"(?:static[ \t]+|async[ \t]+|readonly[ \t]+|abstract[ \t]+|get[ \t]+|set[ \t]+)*[\w#]+[ \t]*[(?:=;<!]"
    r"|\b(?:import|export)[ \t]+type[ \t]+[\w{*]"
    r"|^[ \t]*(?:export[ \t]+)?import[ \t]+\w+[ \t]*=|^export[ \t]*=|^export[ \t]+as[ \t]+namespace\b"
    r"|[{,]\s*type[ \t]+[A-Z]\w*[ \t]*[,}]"
    r"|\b(?:let|const|var)[ \t]+\w+[ \t]*:[ \t]*[\w{(\[]"
    rf"|[\w)\]]\??:[ \t]*(?:readonly[ \t]+)?{_TYPE}[ \t]*(?:[,;)=|&\[{{>]|$)"
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
