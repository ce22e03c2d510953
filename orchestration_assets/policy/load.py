"""Loading a policy: from YAML files to a valid, hashed policy, or to all of its errors at once."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from orchestration_assets.policy.composition import Composition, compose
from orchestration_assets.policy.files import UnreadableError
from orchestration_assets.policy.formats import CURRENT, OLD
from orchestration_assets.policy.hashes import policy_hash
from orchestration_assets.policy.kept_policies import (
    KeptPolicyError,
    first_use,
    is_kept_policy,
    read_kept_policy,
)
from orchestration_assets.policy.layers import Branch, Origin, origins_by_path, plain
from orchestration_assets.policy.plain_values import value_problems
from orchestration_assets.policy.problems import PolicyError, Problem
from orchestration_assets.policy.schema_problems import left_out, schema_problems
from orchestration_assets.policy.source_text import ENVIRONMENTS, VERSION
from orchestration_assets.policy.sources import (
    ENVIRONMENT_NAME,
    PACKAGED,
    Gathered,
    PolicySource,
    environment_files,
    gather,
    gather_text,
)
from orchestration_assets.policy.validate import semantic_problems
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.settings import ENVIRONMENT_VARIABLE

_NOTHING: Final = Branch({}, Origin(""))


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A valid policy, the hash that pins it, and where it came from.

    ``sources`` are the files that it was read from, in the order of merging; ``root`` holds every
    value with its origin; ``notes`` are what people should know of a policy that is valid.
    """

    policy: Policy
    hash: str
    source: str
    text: str | None = None
    """What the file says, with its comments; None where the policy was kept in canonical form."""
    kept_as: str | None = None
    """The hash under which it was kept, if it was: settings that came into the format since are
    not in that."""
    environment: str | None = None
    environments: tuple[str, ...] = ()
    sources: tuple[PolicySource, ...] = ()
    root: Branch = _NOTHING
    notes: tuple[str, ...] = ()


def load_policy(
    path: str | Path | None = None,
    environment: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> LoadedPolicy:
    """The policy of a file or one that a home keeps, or the packaged default, which needs no
    network.

    ``environment`` names what is laid over it; None is what ORCHESTRATION_ENV says, if anything,
    "" is none. ``variables`` are what templates may read where their file allows it, by default
    the process's environment.

    Raises PolicyError, which lists every problem with path, value and nearest valid name.
    """
    if path is not None and is_kept_policy(path):
        # it is resolved: no environment is laid over it
        return _load_kept(Path(path))
    given = os.environ if variables is None else variables
    chosen = chosen_environment(environment, given)
    source, gathered = gathered_policy(path, chosen)
    beside = tuple(environment_files(Path(path))) if path is not None else ()
    return _loaded(source, gathered, chosen, given, beside)


def gathered_policy(path: str | Path | None, environment: str | None) -> tuple[str, Gathered]:
    """The files of a policy, and what messages call it.

    Raises PolicyError when the file cannot be read, or the environment's name is none.
    """
    source = PACKAGED if path is None else str(path).encode("utf-8", "backslashreplace").decode()
    if environment is not None and not ENVIRONMENT_NAME.fullmatch(environment):
        message = (
            f"{ENVIRONMENT_VARIABLE} or --env chose an environment by a name that none can have: "
            "small letters, digits, _ and -, and first a letter"
        )
        raise PolicyError(source, [Problem(ENVIRONMENTS, "", message)])
    if path is None:
        return source, gather(None, source, environment)
    try:
        return source, gather(Path(path), source, environment)
    except UnreadableError as error:
        raise PolicyError(source, [Problem("", "", str(error))]) from error


def chosen_environment(given: str | None, variables: Mapping[str, str]) -> str | None:
    """The name of the environment that is in force; None is none."""
    return (variables.get(ENVIRONMENT_VARIABLE) if given is None else given) or None


def parse_policy(text: str, source: str) -> LoadedPolicy:
    """The policy that YAML text describes, without any environment. Raises PolicyError."""
    return _loaded(source, gather_text(text, source), None, os.environ, ())


def _loaded(
    source: str,
    gathered: Gathered,
    environment: str | None,
    variables: Mapping[str, str],
    beside: tuple[str, ...],
) -> LoadedPolicy:
    problems = list(gathered.problems)
    if gathered.incomplete:
        # what is missing without a file that cannot be read would only hide which file that is
        raise PolicyError(source, problems)
    composed = compose(gathered.texts, gathered.overlay, environment, variables, beside)
    problems += composed.problems
    raw = {VERSION: CURRENT, **plain(composed.root)}
    beyond = 0
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        known = {problem.path for problem in problems}
        found = [problem for problem in schema_problems(error, raw) if problem.path not in known]
        beyond = left_out(error)
    else:
        found = [*value_problems(policy), *semantic_problems(policy)]
    problems += _located(found, composed, gathered)
    if problems:
        raise PolicyError(source, problems, beyond)
    return LoadedPolicy(
        policy,
        policy_hash(policy),
        source,
        gathered.texts[-1].text,
        environment=environment,
        environments=composed.environments,
        sources=gathered.sources,
        root=composed.root,
        notes=tuple(_notes(source, gathered)),
    )


def _load_kept(path: Path) -> LoadedPolicy:
    """A policy that was valid when it was kept: what is installed may have changed since."""
    first = first_use(path.parent, path.stem)
    source = f"{first.source} (kept)" if first else f"{path.name} (kept)"
    try:
        policy = read_kept_policy(path)
    except KeptPolicyError as error:
        raise PolicyError(source, [Problem("", "", f"{error}; {_ACTIVATE}")]) from error
    problems = [*value_problems(policy), *semantic_problems(policy)]
    if problems:
        raise PolicyError(source, problems)
    return LoadedPolicy(policy, policy_hash(policy), source, kept_as=path.stem)


_ACTIVATE: Final = "activate a policy with `orchestrate policy activate FILE`, or give --policy"


def _located(
    problems: Sequence[Problem], composed: Composition, gathered: Gathered
) -> list[Problem]:
    """The problems with file and line: of the value itself, or of the nearest one around it."""
    if not problems:
        return []
    by_path = origins_by_path(composed.root)
    overlay = [gathered.overlay] if gathered.overlay else []
    old_names = {one.name: one.old_names for one in (*gathered.texts, *overlay)}
    main = gathered.texts[-1].name
    located = []
    for problem in problems:
        origin = _origin_of(problem.path, by_path)
        if origin is None:
            located.append(problem)
            continue
        file = None if origin.file == main else origin.file
        path = old_names.get(origin.file, {}).get(problem.path, problem.path)
        located.append(replace(problem, path=path, line=origin.line, file=file))
    return located


def _origin_of(path: str, by_path: Mapping[str, Origin]) -> Origin | None:
    while path and path not in by_path:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return by_path.get(path) if path else None


def _notes(source: str, gathered: Gathered) -> list[str]:
    """Which files are written in an old version of the format, and what to do about it."""
    overlay = [gathered.overlay] if gathered.overlay else []
    return [
        f"{one.name} is written in version {one.version} of the format, which still runs: "
        f"orchestrate policy migrate {one.name} --write brings it to version {CURRENT}"
        for one in (*gathered.texts, *overlay)
        if one.version in OLD and source != PACKAGED
    ]
