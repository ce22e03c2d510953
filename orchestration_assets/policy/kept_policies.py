"""Every policy that ever ran, kept in the home by its hash.

Of each there are up to three files below ``<home>/policies``: ``<hash>.json`` is the canonical
policy, every default filled in; ``<hash>.yaml`` the text of its file with its comments, where it
came from one; ``<hash>.first.json`` who used it first, when, and why.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from orchestration_assets.policy.files import UnreadableError, read_text
from orchestration_assets.policy.formats import upgraded_values
from orchestration_assets.policy.hashes import canonical_hash
from orchestration_assets.policy.problems import dotted_path
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import sensitive_spans
from resources.table_store import Files
from resources.versioned_state import ChangeNote

_MAX_BYTES: Final = 64 * 1024 * 1024
"""A canonical policy is larger than the file: every default stands in it, and aliases are gone."""
_HASH: Final = re.compile(r"[0-9a-f]{16}")
_FIRST: Final = ".first.json"


class KeptPolicyError(OrchestrationError):
    """A kept policy cannot be read back."""


@dataclass(frozen=True, slots=True)
class FirstUse:
    """Where a kept policy came from, and who used it first, when and why."""

    source: str
    note: ChangeNote


def is_policy_hash(text: str) -> bool:
    """Whether the text is the whole hash of a policy."""
    return _HASH.fullmatch(text) is not None


def is_kept_policy(path: str | Path) -> bool:
    """Whether a path names a canonical policy that a home keeps."""
    name = Path(path).name
    return name.endswith(".json") and is_policy_hash(name.removesuffix(".json"))


def keep_policy(
    folder: Path,
    policy: Policy,
    text: str | None,
    first: FirstUse,
    files: Files,
) -> str:
    """Keeps a policy, with the text of its file if it came from one; its hash.

    The text may have got other comments since: the newer one is kept. Secrets in comments are
    replaced. Raises OrchestrationError where the home cannot be written.
    """
    plain = policy.canonical()
    name = canonical_hash(plain)
    _write_if_new(folder / f"{name}.json", json.dumps(plain, indent=1, sort_keys=True), files)
    if text is not None:
        _write_if_new(folder / f"{name}.yaml", without_secret_comments(text), files)
    if not (folder / f"{name}{_FIRST}").exists():
        stated = {
            "source": first.source,
            "who": first.note.who,
            "when": first.note.when.isoformat(),
            "why": first.note.why,
        }
        files.create(folder / f"{name}{_FIRST}", json.dumps(stated, indent=1).encode())
    return name


def _write_if_new(path: Path, text: str, files: Files) -> None:
    data = text.encode("utf-8", "backslashreplace")
    try:
        if path.read_bytes() == data:
            return
    except OSError:
        pass  # there is none, or it is damaged: written anew
    files.overwrite(path, data)


def read_kept_policy(path: Path) -> Policy:
    """A canonical policy, verified against the hash that its name states. Raises KeptPolicyError.

    Settings that came into the format since have their defaults.
    """
    try:
        state = path.stat()
    except OSError:
        return _read(path)
    return _read_once(path, (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns))


@lru_cache(maxsize=8)
def _read_once(path: Path, state: tuple[int, ...]) -> Policy:
    """The policy of a file as long as the file is the same: policies are immutable."""
    del state
    return _read(path)


def _read(path: Path) -> Policy:
    try:
        plain = json.loads(read_text(path, _MAX_BYTES))
        policy = Policy.model_validate(upgraded_values(plain))
    except (UnreadableError, ValueError, RecursionError) as error:
        raise KeptPolicyError(
            f"the policy {path.stem} cannot be read back from {path}: {_reason(error)}"
        ) from error
    if canonical_hash(plain) != path.stem:
        raise KeptPolicyError(f"{path} was changed after it was pinned")
    return policy


def first_use(folder: Path, policy_hash: str) -> FirstUse | None:
    """Where a kept policy came from; None where that was not written down, or is damaged."""
    try:
        stated = json.loads(read_text(folder / f"{policy_hash}{_FIRST}"))
        when = datetime.fromisoformat(stated["when"])
        note = ChangeNote(str(stated["who"]), when, str(stated["why"]))
        return FirstUse(str(stated["source"]), note)
    except (UnreadableError, ValueError, KeyError, TypeError, RecursionError):
        return None


def kept_hashes(folder: Path) -> list[str]:
    """The hashes of all kept policies, in their order."""
    if not folder.is_dir():
        return []
    return sorted(path.stem for path in folder.iterdir() if is_kept_policy(path))


def without_secret_comments(text: str) -> str:
    """The text of a policy file with what looks like a secret in its comments replaced.

    Values hold none: a policy in which one stands is refused.
    """
    parts, done = [], 0
    for start, stop, kind in sensitive_spans(text, [SensitiveKind.SECRET]):
        line = text.rfind("\n", 0, start) + 1
        if "#" in text[line:start]:
            parts += [text[done:start], f"[{kind.value.upper()}]"]
            done = stop
    return "".join([*parts, text[done:]])


def _reason(error: Exception) -> str:
    """Why the file cannot be read, in one line that repeats nothing of its content."""
    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{dotted_path(first['loc']) or 'the file'}: {first['msg']}"
    return "it is not the JSON that was written"
