"""What is left out of folders unless a policy says otherwise."""

from typing import Final

USUALLY_EXCLUDED: Final = (
    ".git",
    ".hg",
    ".svn",
    ".orchestration",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".nox",
    ".venv",
    "site-packages",
    "dist-packages",
    "node_modules",
    ".DS_Store",
)
"""What tools keep beside content: histories, caches, environments. Nobody means it by the folder
that they name, it costs calls, and remotes in ``.git/config`` may hold credentials."""

EXCLUDE_MEANING: Final = (
    "globs to leave out; without a slash they match any file or folder name. A list of your own "
    "takes the place of the usual one, and `[]` leaves nothing out"
)
"""What policies are told of the key ``exclude``."""
