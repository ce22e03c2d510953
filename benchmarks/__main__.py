"""Runs one benchmark by name."""

import sys
from importlib import import_module
from pkgutil import iter_modules

import benchmarks


def _names() -> dict[str, str]:
    """Name -> first line of the docstring, for every module that is a benchmark."""
    found = {}
    for module in iter_modules(benchmarks.__path__):
        if not module.name.startswith("_"):
            loaded = import_module(f"benchmarks.{module.name}")
            if hasattr(loaded, "main"):
                found[module.name] = (loaded.__doc__ or "").strip().splitlines()[0]
    return found


def main(arguments: list[str]) -> int:
    """``NAME [ARGUMENT ...]``; without a name, or with a wrong one, lists what there is."""
    if arguments and not arguments[0].startswith("-"):
        name = arguments[0].replace("-", "_")
        if name in {module.name for module in iter_modules(benchmarks.__path__)}:
            code: int = import_module(f"benchmarks.{name}").main(arguments[1:])
            return code
    print("usage: python -m benchmarks NAME [ARGUMENT ...]\n")
    for name, words in _names().items():
        print(f"  {name:<24} {words}")
    return 0 if not arguments or arguments[0] in ("-h", "--help") else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
