"""Arrow without pandas, until something is converted to it."""

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
