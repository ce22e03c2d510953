"""Templates kept compiled beside their sources, as Python keeps modules."""

import marshal
import sys
from contextlib import suppress
from hashlib import blake2b
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType
from typing import Final

from jinja2 import BytecodeCache, Environment
from jinja2 import __version__ as jinja_version
from jinja2.bccache import Bucket

from resources.table_store import write_atomically

_DIGEST: Final = 16
# of an environment what a template is compiled by, what escapes values before all else
_OPTIONS: Final = (
    "autoescape",
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "line_statement_prefix",
    "line_comment_prefix",
    "trim_blocks",
    "lstrip_blocks",
    "newline_sequence",
    "keep_trailing_newline",
    "optimized",
    "is_async",
)


class CompiledTemplates(BytecodeCache):
    """Keeps templates of a package in its ``__pycache__``, under Python's own rules.

    Whoever can write there can change the modules themselves. Nothing is written where Python
    writes no bytecode, or this user may not; what was compiled from another source, with other
    options, by another Jinja or for another Python is compiled anew.
    """

    def get_bucket(
        self, environment: Environment, name: str, filename: str | None, source: str
    ) -> Bucket:
        """The template ``name``, compiled if that has been kept."""
        options = repr([getattr(environment, option) for option in _OPTIONS])
        made_of = f"{jinja_version}\0{sys.version}\0{options}\0{name}\0{filename}\0{source}"
        checksum = blake2b(made_of.encode(), digest_size=_DIGEST).hexdigest()
        bucket = Bucket(environment, filename or "", checksum)
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        """Finds the compiled template, if it is there."""
        try:
            kept = _path(bucket).read_bytes() if bucket.key else b""
        except OSError:
            return
        if kept[:_DIGEST].hex() == bucket.checksum:
            with suppress(EOFError, ValueError, TypeError):
                code = marshal.loads(kept[_DIGEST:])  # noqa: S302 -- as Python loads its modules
                bucket.code = code if isinstance(code, CodeType) else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps the compiled template, where that is allowed."""
        if bucket.key and not sys.dont_write_bytecode:
            compiled = bytes.fromhex(bucket.checksum) + marshal.dumps(bucket.code)
            with suppress(OSError):
                write_atomically(_path(bucket), compiled)


def _path(bucket: Bucket) -> Path:
    return Path(cache_from_source(bucket.key)).with_suffix(".jinja")
