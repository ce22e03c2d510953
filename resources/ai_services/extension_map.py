"""Content type from the name alone: well-known file names and extensions."""

import re
from collections.abc import Mapping
from typing import ClassVar, Final

from orchestration_assets.schemas.items import Question, Reading
from resources.ai_services.contract import EmbeddedService
from resources.ai_services.readings import abstained, answered

Shares = tuple[tuple[str, float], ...]
"""Content types that share a name, with how likely each is; best first."""

# Nobody else of note uses these. A file can still be empty, generated or misnamed.
_CERTAIN: Final = 0.985
_CERTAIN_EXTENSIONS: Final[Mapping[str, str]] = {
    "awk": "awk gawk",
    "batch": "bat",
    "bibtex": "bib",
    "clojure": "clj cljs cljc",
    "cmake": "cmake",
    "coffeescript": "coffee",
    "cpp": "cc cpp cxx hpp hxx hh ipp tpp",
    "csharp": "cs csx",
    "css": "css",
    "csv": "csv",
    "dart": "dart",
    "diff": "diff patch",
    "elixir": "ex exs",
    "email": "eml",
    "erlang": "erl hrl",
    "fortran": "f90 f95 f03 f08",
    "go": "go",
    "groovy": "groovy gradle",
    "haskell": "hs lhs",
    "hcl": "tf tfvars hcl",
    "html": "html htm xhtml",
    "java": "java",
    "javascript": "js mjs cjs jsx",
    "json": "json geojson webmanifest ipynb",
    "jsonl": "jsonl ndjson",
    "julia": "jl",
    "kotlin": "kt kts",
    "lisp": "el lisp scm",
    "lua": "lua",
    "m4": "m4",
    "makefile": "mk mak",
    "markdown": "md markdown mdx",
    "ocaml": "ml mli",
    "pascal": "pas dpr",
    "perl": "pm pod",
    "php": "php phtml php5",
    "po": "po pot",
    "powershell": "ps1 psm1 psd1",
    "proto": "proto",
    "python": "py pyi pyw pyx",
    "rst": "rst",
    "ruby": "rb gemspec rake",
    "rust": "rs",
    "scala": "scala sbt",
    "scss": "scss",
    "shell": "sh bash zsh ksh",
    "subtitles": "srt vtt",
    "swift": "swift",
    "tcl": "tcl",
    "template": "j2 jinja jinja2 twig erb hbs mustache handlebars",
    "toml": "toml",
    "tsv": "tsv",
    "typescript": "tsx mts cts",
    "vhdl": "vhd vhdl",
    "visualbasic": "vb vbs vba",
    "vue": "vue",
    "xml": "xml xsd xsl xslt svg rdf rss atom csproj vcxproj xlf",
    "yaml": "yaml yml",
    "zig": "zig",
}

_SHARED_EXTENSIONS: Final[Mapping[str, Shares]] = {
    "asm": (("asm", 0.95),),
    "c": (("c", 0.96), ("cpp", 0.03)),
    "cer": (("pem", 0.85),),
    "cfg": (("ini", 0.7), ("text", 0.15)),
    "cl": (("lisp", 0.55), ("c", 0.4)),
    "cls": (("latex", 0.55), ("visualbasic", 0.25), ("other", 0.15)),
    "cmd": (("batch", 0.8), ("shell", 0.1)),
    "cnf": (("ini", 0.9),),
    "conf": (("ini", 0.5), ("text", 0.2), ("other", 0.2)),
    "crt": (("pem", 0.92),),
    "d": (("other", 0.6), ("makefile", 0.35)),
    "dat": (("text", 0.45), ("csv", 0.25), ("other", 0.2)),
    "env": (("ini", 0.6), ("shell", 0.35)),
    "f": (("fortran", 0.9),),
    "fs": (("other", 0.9),),
    "h": (("c", 0.62), ("cpp", 0.35), ("objectivec", 0.03)),
    "inc": (("php", 0.3), ("cpp", 0.2), ("c", 0.2), ("asm", 0.1), ("html", 0.1)),
    "ini": (("ini", 0.96),),
    "key": (("pem", 0.85),),
    "l": (("other", 0.5), ("lisp", 0.3), ("c", 0.1)),
    "log": (("text", 0.9),),
    "lsp": (("lisp", 0.9),),
    "m": (("objectivec", 0.5), ("matlab", 0.42), ("other", 0.05)),
    "mm": (("objectivec", 0.9), ("xml", 0.06)),
    "p": (("pascal", 0.4), ("other", 0.4)),
    "pem": (("pem", 0.97),),
    "pl": (("perl", 0.9), ("prolog", 0.09)),
    "plist": (("xml", 0.9),),
    "pp": (("other", 0.6), ("pascal", 0.35)),
    "pro": (("other", 0.5), ("prolog", 0.45)),
    "properties": (("ini", 0.85),),
    "ps": (("postscript", 0.93),),
    "pub": (("pem", 0.6), ("other", 0.3)),
    "r": (("r", 0.95),),
    "s": (("asm", 0.92), ("other", 0.05)),
    "sc": (("scala", 0.55), ("other", 0.4)),
    "sql": (("sql", 0.96),),
    "sty": (("latex", 0.95),),
    "t": (("perl", 0.7), ("text", 0.1), ("other", 0.1)),
    "tab": (("tsv", 0.7), ("text", 0.2)),
    "tex": (("latex", 0.97),),
    "text": (("text", 0.85), ("markdown", 0.1)),
    "tmpl": (("template", 0.7), ("html", 0.15)),
    "tpl": (("template", 0.6), ("html", 0.2), ("php", 0.1)),
    "ts": (("typescript", 0.93), ("xml", 0.06)),
    "txt": (("text", 0.75), ("rst", 0.07), ("markdown", 0.05), ("csv", 0.03)),
    "v": (("verilog", 0.7), ("other", 0.28)),
    "vh": (("verilog", 0.95),),
    "y": (("other", 0.9),),
}

# Lower-case names. "LICENSE" and the like are prose; ".bashrc" and the like are what a shell reads.
_NAMES: Final[Mapping[str, Shares]] = {
    name: shares
    for names, shares in (
        ("makefile gnumakefile", (("makefile", 0.985),)),
        ("dockerfile containerfile", (("dockerfile", 0.985),)),
        ("cmakelists.txt", (("cmake", 0.99),)),
        ("gemfile rakefile guardfile podfile vagrantfile config.ru", (("ruby", 0.97),)),
        ("jenkinsfile", (("groovy", 0.95),)),
        (".gitignore .dockerignore .npmignore .eslintignore .prettierignore", (("ignore", 0.98),)),
        (".gitconfig .gitmodules .editorconfig .flake8 .pylintrc .npmrc", (("ini", 0.97),)),
        (".gitattributes .htaccess .clang-format-ignore", (("other", 0.9),)),
        (".clang-format .clang-tidy", (("yaml", 0.97),)),
        ("pipfile cargo.lock poetry.lock uv.lock", (("toml", 0.97),)),
        ("package-lock.json composer.lock pipfile.lock", (("json", 0.985),)),
        (".babelrc .eslintrc .prettierrc .jshintrc", (("json", 0.8), ("yaml", 0.17))),
        (".bashrc .bash_profile .profile .zshrc .bash_aliases pkgbuild", (("shell", 0.97),)),
        (".env", (("ini", 0.6), ("shell", 0.38))),
        ("configure.ac configure.in", (("m4", 0.95),)),
        ("configure", (("shell", 0.95),)),
        ("requirements.txt", (("text", 0.85), ("ini", 0.05))),
        ("go.mod go.sum", (("other", 0.9),)),
        ("readme", (("text", 0.75), ("markdown", 0.12), ("rst", 0.1))),
        (
            "authors changelog changes copying contributors install license licence maintainers "
            "news notice thanks todo version",
            (("text", 0.85), ("markdown", 0.07), ("rst", 0.04)),
        ),
        ("build workspace", (("other", 0.7), ("text", 0.1))),
    )
    for name in names.split()
}
# "Dockerfile.dev", "Makefile.am": the name before the dot decides.
_NAME_STEMS: Final = frozenset({"makefile", "gnumakefile", "dockerfile", "containerfile"})
# These say "not the thing itself": what stands before them is what the content looks like.
_WRAPPERS: Final = frozenset(
    ("in", "bak", "old", "orig", "example", "sample", "dist", "template", "tmpl", "j2", "jinja")
)
_WRAPPED: Final = 0.75
_MAX_NAME: Final = 512
_UNSPEAKABLE = re.compile(r"[^\w.+-]")

_EXTENSIONS: Final[Mapping[str, Shares]] = {
    **_SHARED_EXTENSIONS,
    **{
        extension: ((label, _CERTAIN),)
        for label, extensions in _CERTAIN_EXTENSIONS.items()
        for extension in extensions.split()
    },
}


class ExtensionMap(EmbeddedService):
    """Looks the item's name up; never looks at its content."""

    name: ClassVar[str] = "extension_map"
    version: ClassVar[str] = "1"
    reads: ClassVar[frozenset[str]] = frozenset({"path"})
    expected_ms: ClassVar[float] = 0.01

    def answer(self, question: Question) -> Reading:
        name = question.item.path.replace("\\", "/").rsplit("/", 1)[-1][-_MAX_NAME:].strip().lower()
        stem, dot, extension = name.partition(".")
        if name in _NAMES:
            return answered(question, _NAMES[name], f"a file called {name}")
        if dot and stem in _NAME_STEMS:
            return answered(question, _NAMES[stem], f"a file called {stem} with an ending")
        stem, dot, extension = name.rpartition(".")
        if not dot or not stem:
            return abstained("the name has no extension")
        if extension in _WRAPPERS and (inner := stem.rpartition(".")[2]) in _EXTENSIONS:
            shares = tuple((label, share * _WRAPPED) for label, share in _EXTENSIONS[inner])
            return answered(question, shares, f"extension .{inner} under .{extension}")
        if extension not in _EXTENSIONS:
            return abstained(f"extension .{_UNSPEAKABLE.sub('?', extension)[:20]} is not known")
        shares = _EXTENSIONS[extension]
        return answered(question, shares, _evidence(extension, shares))


def _evidence(extension: str, shares: Shares) -> str:
    if len(shares) == 1:
        return f"extension .{extension}"
    shared = ", ".join(f"{label} ({share:.2f})".replace("(0.", "(.") for label, share in shares)
    return f"extension .{extension} is shared by {shared}"
