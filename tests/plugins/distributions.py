"""Distributions as installers leave them: metadata with entry points, and a module."""

from pathlib import Path

SERVICE = '''
"""A service of somebody else."""

from typing import ClassVar

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.contract import EmbeddedService
from pydantic import BaseModel, ConfigDict


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    share: float


class Service(EmbeddedService):
    name: ClassVar[str] = "NAME"
    kinds: ClassVar[frozenset[AnswerKind]] = frozenset({AnswerKind.SCORE})
    expected_ms: ClassVar[float] = 0.1
    Parameters: ClassVar[type[BaseModel]] = Given

    def answer(self, question: Question) -> Reading:
        return Reading(Status.OK, self.parameters.share, 0.5, evidence="as it was told")
'''
POLICY = """
version: 2
services:
  one: {implementation: NAME, parameters: {share: 0.25}}
  vader_tone: {implementation: vader_tone}
tasks:
  tone:
    question: How positive?
    kind: score
    scale: [0.0, 1.0]
    default: {model: parallel, services: [one, vader_tone]}
"""


def service_source(name: str) -> str:
    """The module of a service of that name."""
    return SERVICE.replace("NAME", name)


def install(
    place: Path,
    distribution: str,
    points: dict[str, str],
    *,
    version: str = "1.0",
    group: str = "content_orchestration.services",
    modules: dict[str, str] | None = None,
) -> None:
    """Puts a distribution below ``place``, a folder of Python's path: ``points`` are its entry
    points, name -> target, ``modules`` the sources of its modules by name."""
    metadata = place / f"{distribution.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    words = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    (metadata / "METADATA").write_text(words)
    listed = "".join(f"{name} = {target}\n" for name, target in points.items())
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{listed}")
    for name, source in (modules or {}).items():
        (place / f"{name}.py").write_text(source)
