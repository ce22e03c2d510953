"""Formats that share an extension with a commoner one, by marks that only they have.

``.m`` is Objective-C, MATLAB or Mathematica, ``.pl`` Perl or Prolog, ``.v`` Verilog, Coq or V, and
``.cls`` LaTeX, Visual Basic or Apex. The fitted words know the commoner ones; these are told by how
many different marks of one format stand in a text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FormatMarks:
    """The marks of a format that is answered as ``label``.

    ``needed`` are groups of phrases, of each of which one must occur: else no mark is looked for.
    """

    label: str
    needed: tuple[tuple[str, ...], ...]
    marks: tuple[re.Pattern[str], ...]


def _marks(label: str, needed: Sequence[tuple[str, ...]], *patterns: str) -> FormatMarks:
    return FormatMarks(
        label, tuple(needed), tuple(re.compile(one, re.MULTILINE) for one in patterns)
    )


_FORMATS: Final[Mapping[str, FormatMarks]] = {
    "MATLAB": _marks(
        "matlab",
        (("\nend", "function ", "classdef "), ("%",), (";",)),
        r"^[ \t]*function[ \t]+(?:(?:\w+|\[[\w, ~]*\])[ \t]*=[ \t]*)?\w+"
        r"[ \t]*(?:\([\w, ~=]*\))?[ \t]*(?:%.*)?$",
        r"^[ \t]*%[^\n]*$",
        r"^[ \t]*end[ \t]*;?[ \t]*(?:%.*)?$",
        r"^[ \t]*\w+(?:\([\w:, ]+\))?[ \t]*=[^=\n]*;[ \t]*(?:%.*)?$",
        r"\b(?:nargin|nargout|varargin|varargout|numel|linspace|repmat|isempty|zeros|ones)\b",
        r"[\w)\]]\.(?:\*|/|\^|')",
        r"^[ \t]*for[ \t]+\w+[ \t]*=[ \t]*[\w()]+:[\w():]+",
        r"^[ \t]*classdef\b|^[ \t]*(?:properties|methods)(?:[ \t]*\([^()\n]*\))?[ \t]*$",
    ),
    "Mathematica": _marks(
        "other",
        (("_]", "_,", "Package["), (":=",)),
        r"^[ \t]*\(\*.*\*\)[ \t]*$",
        r"\b(?:BeginPackage|EndPackage|Begin|End)\[",
        r"::usage\b|\bMessageName\[",
        r"\b[A-Za-z]\w*\[[^\[\]\n]*\b\w*_(?:\w*)?(?:[,\]?]|:)[^\n]*\][ \t]*:?=",
        r":=[ \t]*(?:Module|Block|With|If|Table|Map)\[",
        r"[\w\]}][ \t]*(?:/@|//@|/\.|/;|@@)[ \t]*[\w{(]",
        r"#\d?[ \t]*(?:\^|&|\])",
        r"\b(?:Module|Table|Plot|Map|Table|Solve|Range|Flatten|Import|Print)\[",
    ),
    "Prolog": _marks(
        "prolog",
        ((":-", "?-", "-->"), (").", "),")),
        r"^:-[ \t]*(?:module|use_module|dynamic|initialization|discontiguous|ensure_loaded"
        r"|set_prolog_flag)\b",
        r"^[a-z]\w*(?:\([^\n]*\))?[ \t]*:-[ \t]*$",
        r"^[a-z]\w*(?:\([^\n]*\))?[ \t]*:-[ \t]*\S[^\n]*[.,][ \t]*$",
        r"^[a-z]\w*\([^\n]*\)\.[ \t]*(?:%.*)?$",
        r"\([A-Z_]\w*(?:[ \t]*,[ \t]*(?:[A-Z_]\w*|\[[^\]\n]*\]))*\)",
        r"\[[A-Z_]\w*[ \t]*\|[ \t]*[A-Z_]\w*\]",
        r"\\\+|=\.\.|\bis\b[ \t]*[A-Z\d(]|=:=|=\\=",
        r"^[a-z]\w*(?:\([^\n]*\))?[ \t]*-->",
    ),
    "Verilog": _marks(
        "verilog",
        (("endmodule", "always", "module "), ("input", "output", "wire", "reg ", "logic ")),
        r"^[ \t]*module[ \t]+\w+[ \t]*(?:#[ \t]*\(|\(|;)",
        r"^[ \t]*endmodule\b",
        r"\balways(?:_ff|_comb|_latch)?\b[ \t]*(?:@|begin)",
        r"\b(?:posedge|negedge)[ \t]+\w",
        r"^[ \t]*\(?[ \t]*(?:input|output|inout|wire|reg|logic)\b[ \t]*(?:(?:wire|reg"
        r"|signed)\b[ \t]*)?(?:\[|\w)",
        r"^[ \t]*assign[ \t]+[\w\[\]:{}, ]+=",
        r"\b\d+'[bdho][\da-fA-FxzXZ_]+",
        r"^`(?:timescale|include|define|ifdef|default_nettype)\b",
    ),
    "Coq": _marks(
        "other",
        (("Proof", "Inductive ", "Definition ", "Theorem ", "Lemma "), (":=", "Qed.", "Defined.")),
        r"^[ \t]*(?:Theorem|Lemma|Corollary|Proposition|Remark|Example|Fact)[ \t]+\w+",
        r"^[ \t]*(?:Definition|Fixpoint|CoFixpoint|Inductive|CoInductive|Record|Notation"
        r"|Ltac)[ \t]+\S",
        r"^[ \t]*Proof\b[^\n]*\.",
        r"^[ \t]*(?:Qed|Defined|Admitted)\.",
        r"^[ \t]*(?:From[ \t]+[\w.]+[ \t]+)?Require[ \t]+(?:Import|Export)?",
        r"^[ \t]*(?:[-+*][ \t]+)?(?:intros?|induction|destruct|rewrite|simpl|reflexivity|apply"
        r"|auto|unfold)\b[^\n]*\.[ \t]*$",
        r"\bforall[ \t]+[\w( ]",
    ),
    "V": _marks(
        "other",
        (("fn ",), (":=", "mut ")),
        r"^module[ \t]+\w+[ \t]*$",
        r"^(?:pub[ \t]+)?fn[ \t]+(?:\([^()\n]*\)[ \t]*)?\w+[ \t]*\(",
        r"\bmut[ \t]+\w+[ \t]*:=|^(?:pub[ \t]+)?mut:|\(mut[ \t]+\w+[ \t]+&?[\w.]+\)",
        r"^[ \t]*\w+[ \t]*:=[ \t]*\S",
        r"[ \t]or[ \t]+\{",
        r"\)[ \t]*[!?][\w\[\]]*[ \t]*\{",
        r"\bimport[ \t]+[a-z][\w.]*[ \t]*$",
    ),
    "Visual Basic": _marks(
        "visualbasic",
        (("End Sub", "End Function", "End Property", "VB_Name", "Option Explicit"),),
        r"^VERSION[ \t]+\d\.\d+[ \t]+CLASS",
        r"^Attribute[ \t]+VB_\w+",
        r"^[ \t]*Option[ \t]+(?:Explicit|Compare|Base|Strict)",
        r"^[ \t]*(?:(?:Public|Private|Friend|Protected|Static)[ \t]+)*(?:Sub|Function"
        r"|Property[ \t]+(?:Get|Let|Set))[ \t]+\w+",
        r"^[ \t]*End[ \t]+(?:Sub|Function|Property|If|With|Select|Type|Class)\b",
        r"\b(?:Dim|ByVal|ByRef|Private|Public)[ \t]+\w+(?:\(\))?[ \t]+As[ \t]+\w",
        r"^[ \t]*(?:If|ElseIf)\b[^\n]*\bThen\b",
    ),
    "Apex": _marks(
        "other",
        (
            (
                "sharing class",
                "SELECT",
                "@AuraEnabled",
                "@isTest",
                "@IsTest",
                "System.",
                "trigger ",
            ),
            ("{",),
        ),
        r"\b(?:with|without|inherited)[ \t]+sharing[ \t]+class\b",
        r"(?i:\[[ \t\n]*SELECT\b[^\]]{1,400}\bFROM\b)",
        r"@(?i:AuraEnabled|isTest|future|InvocableMethod|InvocableVariable|TestSetup|TestVisible"
        r"|RestResource)\b",
        r"\b(?:System\.(?:debug|assert\w*)|Database\.\w+|Trigger\.\w+|Schema\.\w+|UserInfo\.\w+)",
        r"^[ \t]*(?:insert|update|upsert|delete|undelete)[ \t]+\w+;",
        r"^[ \t]*trigger[ \t]+\w+[ \t]+on[ \t]+\w+[ \t]*\(",
        r"\b(?:List|Set|Map)<(?:Id|SObject|Account|Contact|\w+__c)\b|\b\w+__c\b",
    ),
}
_MIN_MARKS: Final = 3
# By the number of different marks, from the least on: no content is ever quite certain.
_CONFIDENCES: Final = (0.9, 0.96, 0.98)


def told_format(head: str) -> tuple[str, float, str] | None:
    """The label, confidence and description of the format that the start of a text shows at least
    three different marks of, where no other shows as many; None when there is none."""
    found: list[tuple[int, str, str]] = []
    for name, marks in _FORMATS.items():
        if all(any(phrase in head for phrase in group) for group in marks.needed):
            seen = sum(one.search(head) is not None for one in marks.marks)
            if seen >= _MIN_MARKS:
                found.append((seen, name, marks.label))
    if not found:
        return None
    found.sort(reverse=True)
    seen, name, label = found[0]
    if len(found) > 1 and found[1][0] == seen:
        return None
    confidence = _CONFIDENCES[min(seen - _MIN_MARKS, len(_CONFIDENCES) - 1)]
    return label, confidence, f"{seen} different marks of {name}"
