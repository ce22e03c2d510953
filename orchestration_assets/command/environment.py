"""The environment of the policy that a command was given, for it and the processes it starts."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from orchestration_assets.settings import ENVIRONMENT_VARIABLE


@contextmanager
def environment_chosen(name: str | None) -> Generator[None, None, None]:
    """While the block runs, the policy is read under this environment; None changes nothing.

    The process's own variable says so, since each step of a run reads the policy by itself and
    batches are carried out by processes that inherit it.
    """
    if name is None:
        yield
        return
    before = os.environ.get(ENVIRONMENT_VARIABLE)
    os.environ[ENVIRONMENT_VARIABLE] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[ENVIRONMENT_VARIABLE]
        else:
            os.environ[ENVIRONMENT_VARIABLE] = before
