"""`orchestrate new`: a package of one's own with a plug-in, its tests, and a policy for it."""

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Final

from orchestration_assets import __version__
from orchestration_assets.plugins import PluginGroup, is_plugin_name
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.features import FEATURE_NAMES
from orchestration_assets.services.registry import EMBEDDED

_TEMPLATES: Final = "templates"
_LETTERS: Final = {
    "samples/contract.txt": "The deadline of the contract is tomorrow. Please sign it today.\n",
    "samples/newsletter.txt": "For your information: the next meeting is next month.\n",
    "samples/question.txt": "No hurry, but the deadline for the form has been moved. When is it?\n",
}
_PLACES: Final = {
    "samples/trip.txt": "Lisbon comes first, then Porto, then Lisbon again, and Faro at the end.\n",
    "samples/tour.txt": "Porto and Porto once more; Lisbon and Faro if there is time.\n",
    "samples/visit.txt": "Faro, Lisbon, Porto.\n",
}


class ScaffoldError(OrchestrationError):
    """The package cannot be begun; the message says why, and what to give instead."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What is begun: its ``group`` of entry points, names that are ``taken``, and the texts that
    its policy is tried on, by path."""

    group: PluginGroup
    taken: Collection[str]
    samples: Mapping[str, str]

    @property
    def noun(self) -> str:
        """What one of them is called; its templates are in a folder of that name."""
        return self.group.noun


SCAFFOLDS: Final[Mapping[str, Scaffold]] = MappingProxyType(
    {
        one.noun: one
        for one in (
            Scaffold(PluginGroup.SERVICES, EMBEDDED, _LETTERS),
            Scaffold(PluginGroup.FEATURES, FEATURE_NAMES, _LETTERS),
            Scaffold(PluginGroup.KINDS, tuple(map(str, AnswerKind)), _PLACES),
        )
    }
)
"""What `orchestrate new` can begin, by its noun."""


def create(thing: str, name: str, folder: Path | None) -> int:
    """Writes the package into ``folder``, by default one of the distribution's name here, and says
    what to do next. Raises ScaffoldError for a name that will not do, or a folder in use."""
    scaffold = SCAFFOLDS[thing]
    distribution = f"{checked_name(scaffold, name).replace('_', '-')}-{scaffold.noun}"
    place = folder or Path(distribution)
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise ScaffoldError(f"{place} exists already; name another with --folder")
    written = package_files(scaffold, name, distribution)
    for path, text in written.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text, "utf-8")
    steps = ("pip install -e '.[test]'", "python -m pytest", "orchestrate policy check policy.yaml")
    listed = "".join(f"  {path}\n" for path in written)
    sys.stdout.write(
        f"{place}: the {scaffold.noun} {name} in {len(written)} files\n{listed}next:\n"
        + f"  cd {place}\n"
        + "".join(f"  {step}\n" for step in steps)
        + "  orchestrate run samples --policy policy.yaml\n"
    )
    return 0


def checked_name(scaffold: Scaffold, name: str) -> str:
    """The name of a new plug-in. Raises ScaffoldError for one that is none, or taken."""
    if not is_plugin_name(name) or iskeyword(name):
        raise ScaffoldError(
            f"{name!r} is no name of a {scaffold.noun}: small letters, digits and underscores, a "
            "letter first, at most 60"
        )
    if name in scaffold.taken:
        raise ScaffoldError(f"a packaged {scaffold.noun} is called {name}; choose another name")
    return name


def package_files(scaffold: Scaffold, name: str, distribution: str) -> Mapping[str, str]:
    """Path below the package's folder -> text, of the package of one plug-in."""
    noun = scaffold.noun
    package = f"{name}_{noun}"
    words = {
        "name": name,
        "noun": noun,
        "group": scaffold.group.value,
        "distribution": distribution,
        "package": package,
        "class_name": "".join(map(str.capitalize, name.split("_"))),
        "version": __version__,
    }
    templates = {
        "pyproject.toml": "common/pyproject.toml",
        "README.md": f"{noun}/README.md",
        "policy.yaml": f"{noun}/policy.yaml",
        ".gitignore": "common/gitignore",
        f"{package}/__init__.py": "common/init.py",
        f"{package}/{noun}.py": f"{noun}/module.py",
        f"tests/test_{name}.py": f"{noun}/test.py",
    }
    texts = {path: _filled(template, words) for path, template in templates.items()}
    return {**texts, f"{package}/py.typed": "", **scaffold.samples}


def _filled(template: str, words: Mapping[str, str]) -> str:
    below = files("orchestration_assets.command") / _TEMPLATES / f"{template}.template"
    return Template(below.read_text("utf-8")).substitute(words)
