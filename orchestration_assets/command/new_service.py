"""`orchestrate new service`: a package of one's own with an embedded service, and its tests."""

import sys
from collections.abc import Mapping
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Final

from orchestration_assets import __version__
from orchestration_assets.plugins import is_plugin_name
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.services.registry import EMBEDDED

_TEMPLATES: Final = "templates/service"
_SAMPLES: Final = {
    "samples/contract.txt": "The deadline of the contract is tomorrow. Please sign it today.\n",
    "samples/newsletter.txt": "For your information: the next meeting is next month.\n",
    "samples/question.txt": "No hurry, but the deadline for the form has been moved. When is it?\n",
}


class ScaffoldError(OrchestrationError):
    """The package cannot be begun; the message says why, and what to give instead."""


def create(name: str, folder: Path | None) -> int:
    """Writes the package into ``folder``, by default one of the distribution's name here, and says
    what to do next. Raises ScaffoldError for a name that will not do, or a folder in use."""
    distribution = f"{checked_name(name).replace('_', '-')}-service"
    place = folder or Path(distribution)
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise ScaffoldError(f"{place} exists already; name another with --folder")
    written = package_files(name, distribution)
    for path, text in written.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text, "utf-8")
    steps = ("pip install -e '.[test]'", "python -m pytest", "orchestrate policy check policy.yaml")
    listed = "".join(f"  {path}\n" for path in written)
    sys.stdout.write(
        f"{place}: the service {name} in {len(written)} files\n{listed}next:\n  cd {place}\n"
        + "".join(f"  {step}\n" for step in steps)
        + "  orchestrate run samples --policy policy.yaml\n"
    )
    return 0


def checked_name(name: str) -> str:
    """The name of a new service. Raises ScaffoldError for one that is none, or taken."""
    if not is_plugin_name(name) or iskeyword(name):
        raise ScaffoldError(
            f"{name!r} is no name of a service: small letters, digits and underscores, a letter "
            "first, at most 60"
        )
    if name in EMBEDDED:
        raise ScaffoldError(f"a packaged service is called {name}; choose another name")
    return name


def package_files(name: str, distribution: str) -> Mapping[str, str]:
    """Path below the package's folder -> text, of the package of one service."""
    package = f"{name}_service"
    words = {
        "name": name,
        "distribution": distribution,
        "package": package,
        "class_name": "".join(map(str.capitalize, name.split("_"))),
        "version": __version__,
    }
    templates = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "policy.yaml": "policy.yaml",
        ".gitignore": "gitignore",
        f"{package}/__init__.py": "init.py",
        f"{package}/service.py": "service.py",
        f"tests/test_{name}.py": "test.py",
    }
    texts = {path: _filled(template, words) for path, template in templates.items()}
    return {**texts, f"{package}/py.typed": "", **_SAMPLES}


def _filled(template: str, words: Mapping[str, str]) -> str:
    below = files("orchestration_assets.command") / _TEMPLATES / f"{template}.template"
    return Template(below.read_text("utf-8")).substitute(words)
