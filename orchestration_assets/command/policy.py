"""`orchestrate policy`: print the JSON Schema of a file, show what is in force."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from orchestration_assets.policy.editor_schema import EDITOR_LINE, editor_schema
from orchestration_assets.policy.load import load_policy


def schema() -> int:
    """Prints the JSON Schema of the policy file, for editors and other tools."""
    sys.stdout.write(json.dumps(editor_schema(), indent=2) + "\n")
    return 0


def show(path: Path | None) -> int:
    """Prints the policy in force with every default filled in. Raises PolicyError."""
    loaded = load_policy(path)
    plain = _without_default_nulls(loaded.policy, loaded.policy.canonical())
    chosen = f", environment {loaded.environment}" if loaded.environment else ""
    sys.stdout.write(f"# {loaded.source}{chosen}, hash {loaded.hash}\n{EDITOR_LINE}\n")
    sys.stdout.write(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100))
    return 0


def _without_default_nulls(model: BaseModel, plain: dict[str, Any]) -> dict[str, Any]:
    """What a model shows, but for nulls that stand there by default: others mean something."""
    kept = {}
    for name, field in type(model).model_fields.items():
        key, value = field.alias or name, getattr(model, name)
        if value is None and field.default is None:
            continue
        kept[key] = _inside(value, plain[key])
    return kept


def _inside(value: Any, plain: Any) -> Any:
    if isinstance(value, BaseModel):
        return _without_default_nulls(value, plain)
    if isinstance(value, dict) and isinstance(plain, list):
        # the fields of a record, whose order is kept by a list with their names
        pairs = zip(value.values(), plain, strict=True)
        return [{"name": one["name"]} | _inside(below, one) for below, one in pairs]
    if isinstance(value, dict):
        return {name: _inside(below, plain[name]) for name, below in value.items()}
    if isinstance(value, tuple | list):
        return [_inside(below, one) for below, one in zip(value, plain, strict=True)]
    return plain
