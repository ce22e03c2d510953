"""Prints one reference page: ``python -m orchestration_assets.reference tables``."""

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Final

from orchestration_assets.reference.policy_page import policy_page
from orchestration_assets.reference.tables_page import tables_page

PAGES: Final[Mapping[str, Callable[[], str]]] = {"tables": tables_page, "policy": policy_page}


def main() -> None:
    """Writes the named page to the standard output."""
    parser = argparse.ArgumentParser(prog="python -m orchestration_assets.reference")
    parser.add_argument("page", choices=PAGES)
    sys.stdout.write(PAGES[parser.parse_args().page]())


if __name__ == "__main__":
    main()
