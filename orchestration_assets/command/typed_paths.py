"""A path as it is typed in a shell, from the folder that the command is run in."""

from pathlib import Path

from orchestration_assets.schemas.source_urls import file_address


def typed_addresses(name: str) -> tuple[str, ...]:
    """The addresses that a name means as a path of this machine, whether the file is still there
    or not: as its folder holds it, and what it links to. None of a name that is no path."""
    try:
        typed = Path(name).expanduser()
        paths = (typed.parent.resolve() / typed.name, typed.resolve())
    # no home of such a user, a loop of links, a NUL in the path
    except (OSError, RuntimeError, ValueError):
        return ()
    return tuple(dict.fromkeys(map(file_address, paths)))
