"""Several homes in one code location: the definitions of each under names of its own.

The definitions are written once, for a home that has a code location to itself. Those of a
namespace do the same under a prefix: asset keys and groups, the names of jobs, sensors, schedules,
partitions and ops, and the keys of resources.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, isgeneratorfunction, signature
from typing import Any, Final, get_type_hints

import dagster as dg
from dagster._core.definitions.decorators.op_decorator import DecoratedOpFunction
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration_assets.partitions import content_batches
from orchestration_assets.schemas.errors import OrchestrationError

_STEP: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_BETWEEN: Final = "__"
AssetJob = UnresolvedAssetJobDefinition
"""What ``dagster.define_asset_job`` gives, which has no public name."""


class PrefixError(OrchestrationError):
    """A key prefix cannot be used; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """The names of one home's definitions; those without a ``prefix`` are as they are written."""

    prefix: tuple[str, ...] = ()

    @classmethod
    def parse(cls, prefix: str | None) -> "Namespace":
        """Of ``acme`` or ``acme/news``. Raises PrefixError."""
        steps = tuple(prefix.split("/")) if prefix else ()
        if not all(_STEP.fullmatch(step) and _BETWEEN not in step for step in steps):
            raise PrefixError(
                f"key_prefix {prefix!r}: give words of letters, digits and single underscores, a "
                "letter first, with a slash between two"
            )
        return cls(steps)

    def name(self, plain: str) -> str:
        """The name of a job, sensor, schedule, op, resource or partitions definition."""
        return _BETWEEN.join((*self.prefix, plain))

    def key(self, plain: dg.AssetKey | str) -> dg.AssetKey:
        """The key of an asset."""
        written = dg.AssetKey(plain) if isinstance(plain, str) else plain
        return dg.AssetKey([*self.prefix, *written.path])

    @property
    def batches(self) -> dg.DynamicPartitionsDefinition:
        """The partitions of the home: its batches."""
        if not self.prefix:
            return content_batches
        return dg.DynamicPartitionsDefinition(name=self.name(content_batches.name or ""))


ALONE: Final = Namespace()
"""Of a home that has a code location to itself."""


def with_resources_of(space: Namespace, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, its resource parameters named by their keys in the namespace."""
    hints = get_type_hints(function, include_extras=True)
    written = signature(function)
    named = {
        one.name: space.name(one.name) for one in _resource_parameters(written.parameters, hints)
    }
    plain = {new: old for old, new in named.items()}

    def given(keywords: Mapping[str, Any]) -> dict[str, Any]:
        return {plain.get(name, name): value for name, value in keywords.items()}

    if isgeneratorfunction(function):

        @wraps(function)
        def renamed(*arguments: Any, **keywords: Any) -> Iterator[Any]:
            yield from function(*arguments, **given(keywords))

    else:

        @wraps(function)
        def renamed(*arguments: Any, **keywords: Any) -> Any:
            return function(*arguments, **given(keywords))

    parameters = [
        one.replace(name=named.get(one.name, one.name), annotation=hints.get(one.name, Any))
        for one in written.parameters.values()
    ]
    del renamed.__wrapped__
    renamed.__signature__ = written.replace(parameters=parameters)  # type: ignore[attr-defined]
    renamed.__annotations__ = {named.get(name, name): hint for name, hint in hints.items()}
    return renamed


def _resource_parameters(
    parameters: Mapping[str, Parameter], hints: Mapping[str, Any]
) -> Iterator[Parameter]:
    for one in parameters.values():
        hint = hints.get(one.name)
        marked = "resource_param" in getattr(hint, "__metadata__", ())
        if marked or (isinstance(hint, type) and issubclass(hint, dg.ConfigurableResource)):
            yield one


def asset_in(
    space: Namespace, asset: dg.AssetsDefinition, group: str | None = None
) -> dg.AssetsDefinition:
    """An asset, or the checks of one, in the namespace: it does the same to another home.

    It goes to ``group``, by default to its own one under the prefix.
    """
    keys = {*asset.keys, *asset.dependency_keys, *(one.asset_key for one in asset.check_keys)}
    moved = asset.with_attributes(asset_key_replacements={key: space.key(key) for key in keys})
    changed: dict[str, Any] = {
        "specs": [_spec_in(space, spec, group) for spec in moved.specs],
        "node_def": _op_in(space, asset.op),
    }
    # the way in which Dagster itself makes one definition from another
    return type(moved).dagster_internal_init(**{**moved.get_attributes_dict(), **changed})


def _spec_in(space: Namespace, spec: dg.AssetSpec, group: str | None) -> dg.AssetSpec:
    """A specification whose key and dependencies are moved already."""
    grouped = spec.replace_attributes(group_name=group or space.name(spec.group_name or "default"))
    if spec.partitions_def != content_batches:
        return grouped
    return grouped.replace_attributes(partitions_def=space.batches)


def source_in(space: Namespace, spec: dg.AssetSpec, group: str | None = None) -> dg.AssetSpec:
    """An asset that is only observed, in the namespace."""
    return _spec_in(space, spec.replace_attributes(key=space.key(spec.key)), group)


def _op_in(space: Namespace, op: dg.OpDefinition) -> dg.OpDefinition:
    outs = {
        name: dg.Out(
            dagster_type=out.dagster_type,
            description=out.description,
            is_required=out.is_required,
            # what a check or a pure side effect yields is not stored
            io_manager_key=space.name("tables") if out.io_manager_key == "tables" else None,
            metadata=out.metadata,
            code_version=out.code_version,
        )
        for name, out in op.outs.items()
    }
    declare = dg.op(
        name=space.name(op.name),
        description=op.description,
        ins=dict(op.ins),
        out=outs,
        tags=dict(op.tags),
        retry_policy=op.retry_policy,
        pool=op.pool,
    )
    written = op.compute_fn
    if not isinstance(written, DecoratedOpFunction):
        raise TypeError(f"the op {op.name} is not made by a decorator")
    return declare(with_resources_of(space, written.decorated_fn))


def job_in(space: Namespace, job: AssetJob, known: dg.Definitions) -> AssetJob:
    """An asset job in the namespace; ``known`` are the definitions that its selection is about."""
    graph = known.resolve_asset_graph()
    checks = [
        dg.AssetCheckKey(space.key(one.asset_key), one.name)
        for one in job.selection.resolve_checks(graph)
    ]
    selected: dg.AssetSelection = dg.AssetSelection.checks(*checks)
    if keys := job.selection.resolve(graph):
        selected = selected | dg.AssetSelection.assets(*map(space.key, keys)).without_checks()
    return dg.define_asset_job(
        space.name(job.name),
        selection=selected,
        description=job.description,
        tags=job.tags,
        executor_def=job.executor_def,
    )
