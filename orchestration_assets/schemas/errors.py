"""The root of the errors that people read: each message names what is wrong, and the remedy."""

from pathlib import Path


class OrchestrationError(Exception):
    """Something that a person can mend; the message is one line with the remedy.

    The command catches this class and prints the message alone, without a traceback.
    """


class DamagedFileError(OrchestrationError):
    """A file below the home cannot be read: truncated, overwritten, or of another version."""

    def __init__(self, path: str | Path, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {problem}; {remedy}")
        self.path = Path(path)
        self.problem = problem
        self.remedy = remedy
