"""The functions that a program defines: names, parameters, and what is said of them beside them."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_CHARS: Final = 65_536
_MOST_NODES: Final = 20_000
_MOST_FUNCTIONS: Final = 500
_LONGEST_PARAMETERS: Final = 500
_MOST_DECLARATORS: Final = 8
_LONGEST_WORDS: Final = 200

_FUNCTIONS: Final = {
    "python": "function_definition",
    "javascript": "function_declaration generator_function_declaration method_definition",
    "typescript": "function_declaration generator_function_declaration method_definition "
    "method_signature abstract_method_signature function_signature",
    "go": "function_declaration method_declaration",
    "java": "method_declaration constructor_declaration",
    "c": "function_definition",
    "cpp": "function_definition",
    "rust": "function_item function_signature_item",
    "ruby": "method singleton_method",
    "bash": "function_definition",
}
FUNCTION_TYPES: Final = {
    language: frozenset(types.split()) for language, types in _FUNCTIONS.items()
}
LANGUAGES: Final = tuple(_FUNCTIONS)
FUNCTION_VALUES: Final = frozenset(("arrow_function", "function_expression", "generator_function"))
# the fields of a node that gives a function a name: the name, and the function
ASSIGNMENTS: Final = {
    "variable_declarator": ("name", "value"),
    "assignment_expression": ("left", "right"),
    "pair": ("key", "value"),
    "field_definition": ("property", "value"),
    "public_field_definition": ("name", "value"),
}
OWNERS: Final = frozenset(
    "class_definition class_declaration class interface_declaration impl_item trait_item "
    "class_specifier struct_specifier module enum_declaration abstract_class_declaration".split()
)
COMMENTS: Final = frozenset(("comment", "line_comment", "block_comment"))
# an attribute or decorator stands between a comment and its function
BETWEEN: Final = frozenset(("attribute_item", "decorator", "modifiers"))
_MARKS: Final = re.compile(
    r"^[ \t]*(?:/\*+!?|\*+/|//[/!]?|\*|#+|--+)[ \t]?|[ \t]{0,8}\*{1,8}/[ \t]{0,8}$", re.M
)
_TAG: Final = re.compile(r"^[ \t]*(?:[@\\:]\w|Args:|Parameters\b|Returns?:|---|===)", re.M)
_QUOTES: Final = re.compile(r"\A[rRuUbBfF]{0,2}(?P<quote>\"\"\"|'''|\"|')")
_LONGEST_DESCRIPTION: Final = 1000

# what programs of a language say, and hardly any others; the first that is said often wins
_SIGNS: Final = (
    ("python", re.compile(r"^[ \t]*(?:async )?def \w+\([^\n]*:[ \t]*(?:#|$)", re.M)),
    ("go", re.compile(r"^func (?:\([^)]{1,80}\) )?\w+\(.*\{", re.M)),
    ("rust", re.compile(r"^[ \t]*(?:pub(?:\(\w+\))? )?(?:async |unsafe |const )*fn \w+", re.M)),
    ("ruby", re.compile(r"^[ \t]*def [\w.?!=]+(?:\(.*\))?[ \t]*$", re.M)),
    ("java", re.compile(r"^[ \t]*(?:public|private|protected)[\w<>\[\], ]* \w+\(.*\{", re.M)),
    (
        "typescript",
        re.compile(r"^[ \t]*(?:export )?(?:async )?function \w+[^\n]*\):|: \w+\) =>", re.M),
    ),
    ("javascript", re.compile(r"\bfunction\b[ \w$]{0,80}\([^)\n]{0,200}\) ?\{|\) => ?[{(]")),
    ("cpp", re.compile(r"^(?:template ?<|namespace \w|class \w+[^;\n]*\{)|\b\w+::\w+\(", re.M)),
    ("c", re.compile(r"^[\w*][\w* ]{1,80}\([^;{}]{0,200}\)[ \t]*\n?\{", re.M)),
    ("bash", re.compile(r"^(?:function )?[\w-]+ ?\(\) ?\{", re.M)),
)


class SourceFunction(NamedTuple):
    """One function or method.

    ``owner`` is the class or type that it belongs to, empty for none; ``parameters`` as written;
    ``description`` the first paragraph of its documentation string or of the comment before it;
    ``line`` counts from 1; ``words`` is the line with its name.
    """

    name: str
    owner: str
    parameters: tuple[str, ...]
    description: str
    returns: str
    line: int
    words: str


class SourceFunctions(NamedTuple):
    """The functions of a text in their order; ``is_whole``: its grammar could read all of it."""

    functions: tuple[SourceFunction, ...]
    is_whole: bool


def guessed_language(text: str) -> str:
    """The language of a program by how it defines functions; empty where it defines none."""
    counts = [(len(sign.findall(text[:MAX_CHARS])), language) for language, sign in _SIGNS]
    most = max(count for count, _ in counts)
    return next((language for count, language in counts if count == most), "") if most else ""


def source_functions(text: str, language: str) -> SourceFunctions:
    """The functions that the first 65,536 characters define, without those within others, 500 at
    most; none in a language that is not one of :data:`LANGUAGES`, or that cannot be parsed."""
    nothing = SourceFunctions((), False)
    if language not in FUNCTION_TYPES:
        return nothing
    from orchestration_assets.text.grammars import bounded_parse, parsable_source

    source = parsable_source(text[:MAX_CHARS], language)
    tree = None if source is None else bounded_parse(source, language, lambda: False)
    if source is None or tree is None:
        return nothing
    found = []
    for one in _defined(tree.root_node, source, language):
        found.append(one)
        if len(found) >= _MOST_FUNCTIONS:
            break
    return SourceFunctions(tuple(found), not tree.root_node.has_error)


class _Place(NamedTuple):
    node: "Node"
    owner: str
    comment: str


def _defined(root: "Node", source: bytes, language: str) -> Iterator[SourceFunction]:
    types = FUNCTION_TYPES[language]
    waiting = [_Place(root, "", "")]
    seen = 0
    while waiting and seen < _MOST_NODES:
        node, owner, comment = waiting.pop()
        seen += 1
        if node.type in types:
            function = _function(node, owner, comment, source, language)
            if function is not None:
                yield function
            continue
        if node.type in ASSIGNMENTS:
            name, value = map(node.child_by_field_name, ASSIGNMENTS[node.type])
            if name is not None and value is not None and value.type in FUNCTION_VALUES:
                own = value.child_by_field_name("name")
                function = _made(node, value, own or name, owner, comment, source)
                if function is not None:
                    yield function
                continue
        if node.child_count:
            inner = _owner(node, source) if node.type in OWNERS else owner
            waiting.extend(reversed(_children(node, inner, comment, source)))


def _children(node: "Node", owner: str, comment: str, source: bytes) -> list[_Place]:
    """The children with the comments that stand right before them; the first of a statement has
    the comment before the statement."""
    places = []
    first = True
    said: list[str] = []
    last = -1
    for child in node.named_children:
        if child.type in COMMENTS:
            if child.start_point.row > last + 1:
                said = []
            said.append(_text(child, source))
            last = child.end_point.row
            # some grammars count the line's end as a part of the comment
            last -= child.end_point.column == 0
        elif child.type in BETWEEN:
            last = child.end_point.row
        else:
            near = child.start_point.row <= last + 1
            inherited = comment if first else ""
            places.append(_Place(child, owner, "\n".join(said) if said and near else inherited))
            said, first = [], False
    return places


def _owner(node: "Node", source: bytes) -> str:
    name = node.child_by_field_name("name") or node.child_by_field_name("type")
    return "" if name is None else _one_line(_text(name, source))


def _function(
    node: "Node", owner: str, comment: str, source: bytes, language: str
) -> SourceFunction | None:
    named = node
    if language in ("c", "cpp"):
        found = _declarator(node)
        if found is None:
            return None
        named = found
    name = named.child_by_field_name("declarator" if named is not node else "name")
    if name is None:
        return None
    if language == "go" and (receiver := node.child_by_field_name("receiver")) is not None:
        owner = _text(receiver, source).strip("() ").rpartition(" ")[2].lstrip("*")
    body = node.child_by_field_name("body")
    said = _docstring(body, source) if language == "python" and body is not None else ""
    return _made(node, named, name, owner, said or comment, source)


def _declarator(node: "Node") -> "Node | None":
    """The part of a definition in C that has the name and the parameters."""
    found = node.child_by_field_name("declarator")
    for _ in range(_MOST_DECLARATORS):
        if found is None or found.type == "function_declarator":
            return found
        found = found.child_by_field_name("declarator")
    return None


def _made(
    node: "Node", named: "Node", name: "Node", owner: str, said: str, source: bytes
) -> SourceFunction | None:
    called = _one_line(_text(name, source))
    if not called:
        return None
    given = named.child_by_field_name("parameters") or named.child_by_field_name("parameter")
    returns = named.child_by_field_name("return_type") or node.child_by_field_name("result")
    return SourceFunction(
        called,
        owner,
        () if given is None else _parameters(given, source),
        described(said),
        "" if returns is None else _one_line(_text(returns, source)).lstrip(":->").strip(),
        name.start_point.row + 1,
        _line_of(name, node, source),
    )


def _line_of(name: "Node", node: "Node", source: bytes) -> str:
    """The line that has the name, as far as it belongs to the function."""
    floor = max(node.start_byte, name.start_byte - _LONGEST_WORDS)
    start = max(source.rfind(b"\n", floor, name.start_byte) + 1, floor)
    end = min(node.end_byte, name.end_byte + _LONGEST_WORDS)
    words = source[start:end].decode("utf-8", "ignore")
    return words.partition("\n")[0].strip()


def _parameters(node: "Node", source: bytes) -> tuple[str, ...]:
    if not node.named_child_count and node.type != "identifier":
        return ()
    parts = [node] if node.type == "identifier" else node.named_children
    given = (_one_line(_text(one, source)) for one in parts if one.type not in COMMENTS)
    return tuple(one for one in given if one and one not in ("*", "/", "void"))


def _docstring(body: "Node", source: bytes) -> str:
    first = body.named_children[0] if body.named_child_count else None
    if first is not None and first.type == "expression_statement" and first.named_child_count:
        first = first.named_children[0]
    if first is None or first.type != "string":
        return ""
    words = _text(first, source)
    opens = _QUOTES.match(words)
    return words[opens.end() :].removesuffix(opens["quote"]) if opens else ""


def described(comment: str) -> str:
    """The first paragraph of a comment or documentation string as one line, without marks, and
    without what is said of single parameters."""
    words = _MARKS.sub("", comment).strip()
    words = re.split(r"\n[ \t]*\n", words, maxsplit=1)[0]
    if tag := _TAG.search(words):
        words = words[: tag.start()]
    return " ".join(words.split())[:_LONGEST_DESCRIPTION]


def _text(node: "Node", source: bytes) -> str:
    end = min(node.end_byte, node.start_byte + 4 * MAX_CHARS)
    return source[node.start_byte : end].decode("utf-8", "replace")


def _one_line(words: str) -> str:
    return " ".join(words.split())[:_LONGEST_PARAMETERS]
