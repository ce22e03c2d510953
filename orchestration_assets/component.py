"""The Dagster component: a home of content orchestration in a project of somebody else."""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

import dagster as dg
from pydantic import BaseModel, Field, ValidationError

from jobs import SCHEDULES
from orchestration_assets.definitions import Automation, build_definitions_in
from orchestration_assets.namespace import Namespace
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.schemas.policy import Webhook
from orchestration_assets.settings import Settings, absolute_path
from resources.content_source import source_name

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class ComponentError(OrchestrationError):
    """An attribute of defs.yaml cannot be used; the message names it and what to give instead."""


class WebhookAttributes(dg.Model, dg.Resolvable):
    """A web address that is told of failed runs; the address itself stands in no file."""

    url_env: str = Field(description="name of the environment variable that holds the URL")
    timeout_s: float = Field(default=2.0, description="for each wait, in (0, 5] seconds")
    attempts: int = Field(default=3, description="in all, 1 to 5")


class AlertAttributes(dg.Model, dg.Resolvable):
    """Who is told of failed runs; a record is kept in any case."""

    webhook: WebhookAttributes = Field(
        description="the web address that is told, where the policy names none"
    )


class ScaffoldParameters(BaseModel):
    """What ``dg scaffold defs`` may be told of a new home."""

    home: str | None = Field(
        default=None, description="folder for everything that is kept; .orchestration/NAME"
    )
    source: str | None = Field(default=None, description="a folder or URL to look at; content")


class HomeScaffolder(dg.Scaffolder[ScaffoldParameters]):
    """Begins a home: defs.yaml, and the packaged policy beside it to be changed."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParameters]:
        return ScaffoldParameters

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldParameters]) -> None:
        given = request.params or ScaffoldParameters()
        name = request.target_path.name
        dg.scaffold_component(
            request,
            {
                "home": given.home or f".orchestration/{name}",
                "policy": "policy.yaml",
                "sources": [given.source or "content"],
                "key_prefix": name,
            },
        )
        packaged = files("orchestration_assets.policy") / "default.yaml"
        (request.target_path / "policy.yaml").write_text(packaged.read_text("utf-8"), "utf-8")


@dg.scaffold_with(HomeScaffolder)
class ContentOrchestration(dg.Component, dg.Model, dg.Resolvable):
    """One home: content is profiled, services are asked, and their disagreement is reported.

    Each home has its assets, jobs, sensors, schedules and partitions under a prefix of its own, so
    that several of them fit into one code location.
    """

    home: str = Field(
        description="folder for everything that is kept; a relative one from the project's root"
    )
    policy: str | None = Field(
        default=None,
        description="policy file; a relative one from the folder of defs.yaml. Without it, the "
        "packaged default, which needs no network",
    )
    sources: list[str] = Field(
        default_factory=list,
        description="folders (relative ones from the project's root) and URLs that the sensor "
        "looks at, beside those of the policy and those that the home knows",
    )
    key_prefix: str | None = Field(
        default=None,
        description="before every key and name, such as acme or acme/news; without it, the name of "
        "the folder of defs.yaml",
    )
    group: str | None = Field(
        default=None, description="one group for all assets; without it, one a step of the work"
    )
    schedules: dict[str, str | Literal[False]] = Field(
        default_factory=dict,
        description="cron expressions in UTC by the names of schedules, false to leave one out: "
        + ", ".join(one.name for one in SCHEDULES),
    )
    alerts: AlertAttributes | None = Field(
        default=None, description="who is told of failed runs, where the policy does not say"
    )
    started: bool = Field(
        default=False,
        description="whether sensors and schedules run from the first load on; else they wait to "
        "be switched on",
    )
    dask: str = Field(
        default="processes",
        description="where CPU work of large batches goes: threads, processes, or an address",
    )
    tick_seconds: int = Field(
        default=60, ge=1, description="how often the sensor looks for new content"
    )
    store: str | None = Field(
        default=None, description="URL of the object store that the home belongs to, if any"
    )

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        return dg.ComponentTypeSpec(
            description=cls.__doc__, owners=[], tags=["content", "ai", "data-quality"]
        )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The definitions of the home.

        Raises PolicyError, which lists every problem of the policy, PrefixError and ComponentError.
        """
        folder, root = Path(context.path), Path(context.project_root)
        prefix = folder.name if self.key_prefix is None else self.key_prefix
        policy = None if self.policy is None else absolute_path(folder / self.policy)
        # a policy that does not hold is said when the project is checked, not in the first run
        load_policy(policy)
        settings = Settings(
            home=absolute_path(root / self.home),
            policy=policy,
            sources=tuple(_source(root, source) for source in self.sources),
            dask=self.dask,
            tick_seconds=self.tick_seconds,
            store=self.store,
        )
        automation = Automation(
            schedules=_crons(self.schedules),
            started=self.started,
            webhook=None if self.alerts is None else _webhook(self.alerts.webhook),
            group=self.group,
        )
        return build_definitions_in(Namespace.parse(prefix), settings, automation)


def _webhook(given: WebhookAttributes) -> Webhook:
    try:
        return Webhook.model_validate(given.model_dump())
    except ValidationError as error:
        wrong = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())
        raise ComponentError(f"alerts.webhook: {wrong}; see alerts in docs/policy.md") from error


def _source(root: Path, source: str) -> str:
    return source if _URL.match(source) else source_name(str(absolute_path(root / source)))


def _crons(given: Mapping[str, str | Literal[False]]) -> dict[str, str | None]:
    known = [one.name for one in SCHEDULES]
    for name in given:
        if name not in known:
            raise ComponentError(
                f"schedules: there is no schedule {name!r}; there are {', '.join(known)}"
            )
    return {name: cron or None for name, cron in given.items()}
