"""Arrow as a process of the command uses it: without pandas until something is converted to it, and
with no more memory than is in use."""

import sys
from importlib.abc import MetaPathFinder
from typing import Any


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(name=fullname)


def convert_without_pandas() -> None:
    """Keeps Arrow from importing pandas, half a second, to convert the first list it is given.

    It looks once whether a list may be one of pandas' own. Told that there is no pandas, it looks
    again when a table is to become a frame, and takes frames and series from then on.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    refusal = _NoPandas()
    sys.meta_path.insert(0, refusal)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(refusal)


def allocate_from_system() -> None:
    """Has Arrow take memory from the C library, and that give it back at once.

    Arrow's own allocator keeps what is freed for itself: a step that makes large tables would take
    as much again from the system as steps before it have freed.
    """
    import pyarrow as pa

    from resources.machine import keep_large_pieces_apart

    keep_large_pieces_apart()
    pa.set_memory_pool(pa.system_memory_pool())
