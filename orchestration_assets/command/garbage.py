"""When a process of the command looks for garbage in circles."""

import gc
from typing import Final

_ALL_OF_A_START: Final = 1_000_000
_YOUNG: Final = 20_000
_SWEEPS: Final = 20


def collect_after_start() -> None:
    """Puts the search off: a process begins with half a million objects, which all stay.

    What is in no circle is freed at once as ever.
    """
    gc.set_threshold(_ALL_OF_A_START, _SWEEPS, _SWEEPS)


def collect_from_here() -> None:
    """Searches among what is made from now on, and never again among what there is.

    Does nothing in a process that has not put the search off.
    """
    if gc.get_threshold()[0] == _ALL_OF_A_START:
        gc.freeze()
        gc.set_threshold(_YOUNG, _SWEEPS, _SWEEPS)
