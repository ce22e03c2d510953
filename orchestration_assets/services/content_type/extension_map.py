"""Content type from the name alone: well-known file names and extensions."""

import re
from collections.abc import Mapping
from typing import ClassVar, Final

from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import abstained, answered

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
    "cpp": "cc cpp cxx hpp hxx ipp tpp",
    "csharp": "csx",
    "css": "css",
    "csv": "csv",
    "dart": "dart",
    "diff": "diff patch",
    "elixir": "exs",
    "email": "eml",
    "erlang": "erl hrl",
    "fortran": "f90 f95 f03 f08",
    "go": "go",
    "groovy": "groovy gradle",
    "haskell": "hs lhs",
    "hcl": "tfvars hcl",
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
    "markdown": "markdown mdx",
    "ocaml": "mli",
    "pascal": "pas dpr",
    "perl": "pod",
    "php": "php phtml php5",
    "po": "po",
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
    "typescript": "cts",
    "vhdl": "vhdl",
    "visualbasic": "vb vbs vba",
    "vue": "vue",
    "xml": "xml xsd xsl xslt svg rdf rss atom csproj vcxproj xlf",
    "yaml": "yaml yml",
    "zig": "zig",
}

# Several formats use these, by a rough estimate of how often: no name alone can tell them apart.
_SHARED_EXTENSIONS: Final[Mapping[str, Shares]] = {
    "app": (("erlang", 0.4), ("other", 0.4), ("xml", 0.1)),
    "as": (("other", 0.95),),
    "asm": (("asm", 0.95),),
    "bas": (("visualbasic", 0.6), ("other", 0.35)),
    "bb": (("other", 0.7), ("clojure", 0.2)),
    "c": (("c", 0.96), ("cpp", 0.03)),
    "cake": (("csharp", 0.6), ("coffeescript", 0.3)),
    "cer": (("pem", 0.85),),
    "cfg": (("ini", 0.7), ("text", 0.15)),
    "ch": (("other", 0.6), ("c", 0.2), ("text", 0.1)),
    "cl": (("lisp", 0.5), ("c", 0.25), ("other", 0.2)),
    "cls": (("other", 0.45), ("visualbasic", 0.3), ("latex", 0.24)),
    "cmd": (("batch", 0.8), ("shell", 0.1)),
    "cnf": (("ini", 0.9),),
    "conf": (("ini", 0.5), ("text", 0.2), ("other", 0.2)),
    "cp": (("cpp", 0.7), ("other", 0.25)),
    "crt": (("pem", 0.92),),
    "cs": (("csharp", 0.97), ("other", 0.02)),
    "ctl": (("visualbasic", 0.4), ("other", 0.4), ("text", 0.1)),
    "d": (("other", 0.65), ("makefile", 0.32)),
    "dat": (("text", 0.45), ("csv", 0.25), ("other", 0.2)),
    "def": (("other", 0.7), ("ini", 0.15)),
    "dsp": (("other", 0.8), ("text", 0.1)),
    "dsr": (("visualbasic", 0.6), ("other", 0.35)),
    "ecl": (("other", 0.6), ("prolog", 0.3)),
    "edn": (("clojure", 0.9), ("other", 0.05)),
    "env": (("ini", 0.6), ("shell", 0.35)),
    "es": (("javascript", 0.5), ("erlang", 0.35), ("other", 0.1)),
    "ex": (("elixir", 0.96), ("other", 0.03)),
    "f": (("fortran", 0.9),),
    "for": (("fortran", 0.8), ("other", 0.15)),
    "fr": (("other", 0.5), ("text", 0.4)),
    "frag": (("other", 0.8), ("javascript", 0.1)),
    "frm": (("visualbasic", 0.6), ("other", 0.3), ("text", 0.05)),
    "frx": (("other", 0.6), ("visualbasic", 0.2)),
    "fs": (("other", 0.95),),
    "ftl": (("template", 0.6), ("other", 0.35)),
    "fx": (("other", 0.85),),
    "g4": (("other", 0.95),),
    "gd": (("other", 0.95),),
    "gml": (("other", 0.5), ("xml", 0.45)),
    "gs": (("other", 0.5), ("javascript", 0.45)),
    "h": (("c", 0.62), ("cpp", 0.35), ("objectivec", 0.03)),
    "hh": (("cpp", 0.93), ("other", 0.06)),
    "hx": (("other", 0.95),),
    "i": (("other", 0.4), ("c", 0.25), ("asm", 0.2)),
    "ice": (("other", 0.7), ("json", 0.25)),
    "inc": (
        ("php", 0.25),
        ("cpp", 0.18),
        ("c", 0.15),
        ("asm", 0.15),
        ("other", 0.12),
        ("html", 0.08),
        ("sql", 0.05),
    ),
    "ini": (("ini", 0.96),),
    "inl": (("cpp", 0.8), ("c", 0.1)),
    "j": (("other", 0.6), ("objectivec", 0.25), ("java", 0.1)),
    "key": (("pem", 0.85),),
    "l": (("other", 0.6), ("lisp", 0.25), ("c", 0.05)),
    "log": (("text", 0.9),),
    "ls": (("other", 0.7), ("lisp", 0.1)),
    "lsp": (("lisp", 0.9),),
    "lst": (("text", 0.6), ("asm", 0.2), ("other", 0.1)),
    "m": (("objectivec", 0.45), ("matlab", 0.42), ("other", 0.12)),
    "mac": (("other", 0.5), ("asm", 0.2), ("ini", 0.1)),
    "man": (("other", 0.8), ("text", 0.15)),
    "md": (("markdown", 0.97), ("other", 0.02)),
    "me": (("text", 0.5), ("other", 0.4)),
    "ml": (("ocaml", 0.93), ("other", 0.06)),
    "mm": (("objectivec", 0.9), ("xml", 0.06)),
    "mod": (("other", 0.65), ("fortran", 0.15), ("xml", 0.1)),
    "ms": (("other", 0.7), ("asm", 0.15)),
    "mts": (("typescript", 0.95), ("other", 0.04)),
    "n": (("other", 0.8), ("text", 0.1)),
    "nb": (("other", 0.85), ("text", 0.1)),
    "ncl": (("other", 0.6), ("text", 0.2), ("xml", 0.15)),
    "ncx": (("xml", 0.97),),
    "nl": (("other", 0.8), ("text", 0.1)),
    "p": (("other", 0.55), ("pascal", 0.3), ("perl", 0.05)),
    "pb": (("other", 0.5), ("text", 0.3)),
    "pem": (("pem", 0.97),),
    "php3": (("php", 0.97),),
    "pl": (("perl", 0.88), ("prolog", 0.09), ("other", 0.02)),
    "plist": (("xml", 0.9),),
    "plt": (("other", 0.6), ("prolog", 0.3)),
    "pm": (("perl", 0.95), ("other", 0.04)),
    "pot": (("po", 0.9), ("other", 0.09)),
    "pp": (("other", 0.6), ("pascal", 0.35)),
    "prc": (("other", 0.5), ("sql", 0.4)),
    "prefs": (("ini", 0.5), ("other", 0.3)),
    "pro": (("other", 0.5), ("prolog", 0.45)),
    "properties": (("ini", 0.85),),
    "ps": (("postscript", 0.93),),
    "pub": (("pem", 0.6), ("other", 0.3)),
    "q": (("other", 0.6), ("sql", 0.35)),
    "qs": (("other", 0.8), ("javascript", 0.15)),
    "r": (("r", 0.94), ("other", 0.05)),
    "re": (("other", 0.6), ("cpp", 0.35)),
    "res": (("other", 0.6), ("xml", 0.3)),
    "resource": (("other", 0.6), ("text", 0.2)),
    "rno": (("other", 0.6), ("text", 0.3)),
    "rpy": (("python", 0.6), ("other", 0.35)),
    "s": (("asm", 0.92), ("other", 0.05)),
    "sc": (("scala", 0.5), ("other", 0.45)),
    "sch": (("other", 0.5), ("xml", 0.25), ("lisp", 0.15)),
    "sls": (("yaml", 0.6), ("lisp", 0.35)),
    "sol": (("other", 0.9), ("json", 0.05)),
    "spc": (("sql", 0.5), ("other", 0.4)),
    "spec": (("other", 0.5), ("text", 0.15), ("ruby", 0.1), ("python", 0.1)),
    "sql": (("sql", 0.96),),
    "st": (("other", 0.7), ("template", 0.15), ("html", 0.1)),
    "stl": (("other", 0.9), ("text", 0.05)),
    "sty": (("latex", 0.95),),
    "sw": (("other", 0.7), ("xml", 0.25)),
    "t": (("perl", 0.7), ("text", 0.1), ("other", 0.1)),
    "tab": (("tsv", 0.7), ("text", 0.2)),
    "tag": (("other", 0.5), ("html", 0.35)),
    "tex": (("latex", 0.97),),
    "text": (("text", 0.85), ("markdown", 0.1)),
    "tf": (("hcl", 0.96), ("other", 0.03)),
    "thy": (("other", 0.95),),
    "tlv": (("other", 0.6), ("verilog", 0.3)),
    "tm": (("tcl", 0.5), ("other", 0.4)),
    "tmpl": (("template", 0.7), ("html", 0.15)),
    "toc": (("other", 0.5), ("latex", 0.4)),
    "tpl": (("template", 0.6), ("html", 0.2), ("php", 0.1)),
    "ts": (("typescript", 0.92), ("xml", 0.06)),
    "tst": (("other", 0.5), ("text", 0.3)),
    "tsx": (("typescript", 0.97), ("xml", 0.02)),
    "txt": (("text", 0.75), ("rst", 0.07), ("markdown", 0.05), ("csv", 0.03)),
    "url": (("ini", 0.7), ("text", 0.2)),
    "v": (("verilog", 0.58), ("other", 0.41)),
    "vcf": (("other", 0.6), ("tsv", 0.35)),
    "vh": (("verilog", 0.95),),
    "vhd": (("vhdl", 0.93), ("other", 0.06)),
    "vw": (("other", 0.6), ("sql", 0.3)),
    "wl": (("other", 0.9),),
    "workbook": (("markdown", 0.7), ("other", 0.25)),
    "ws": (("other", 0.5), ("visualbasic", 0.2)),
    "wsf": (("xml", 0.6), ("visualbasic", 0.2), ("javascript", 0.15)),
    "x": (("other", 0.7), ("c", 0.1), ("text", 0.1)),
    "xbm": (("c", 0.8), ("other", 0.15)),
    "xc": (("other", 0.6), ("c", 0.3)),
    "xpm": (("c", 0.7), ("other", 0.25)),
    "y": (("other", 0.9),),
    "yap": (("prolog", 0.8), ("other", 0.15)),
    "yy": (("other", 0.7), ("json", 0.25)),
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
