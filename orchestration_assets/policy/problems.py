"""What can be wrong with a policy file, said so that a person can mend it."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from orchestration_assets.schemas.errors import OrchestrationError


@dataclass(frozen=True, slots=True)
class Problem:
    """One error: where in the file, what stands there, what is wrong, the nearest valid name."""

    path: str
    value: str
    message: str
    nearest: str | None = None

    def __str__(self) -> str:
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        shown = f" (found {self.value})" if self.value else ""
        return f"{self.path or 'file'}: {self.message}{shown}{hint}"


class PolicyError(OrchestrationError):
    """The policy file is not valid; ``problems`` lists everything that is wrong with it."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(f"policy {source}: " + " | ".join(str(problem) for problem in problems))


def nearest(name: object, valid: Sequence[str]) -> str | None:
    """The valid name closest to what was written, if any is close."""
    found = get_close_matches(str(name), valid, n=1, cutoff=0.6)
    return found[0] if found else None


def dotted(path: Sequence[int | str]) -> str:
    """``('tasks', 'a', 'rules', 0)`` as ``tasks.a.rules[0]``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def shorten(value: object) -> str:
    """A value as one short line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
