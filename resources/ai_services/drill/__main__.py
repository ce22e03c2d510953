"""``python -m resources.ai_services.drill``: the drill's server, until it is interrupted."""

import argparse
import sys
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import ValidationError

from resources.ai_services.drill.faults import FaultScript
from resources.ai_services.drill.server import DrillServer, serving

DEFAULT_PORT = 8377


def main(arguments: Sequence[str] | None = None) -> int:
    """``[--port N] [--script FILE] [--policy]``; returns 2 for a script that is not valid."""
    parser = argparse.ArgumentParser(
        prog="python -m resources.ai_services.drill",
        description="An OpenAI-compatible service on the loopback that fails as its script says.",
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--script", type=Path, metavar="FILE", help="YAML: latency and faults")
    parser.add_argument(
        "--policy", action="store_true", help="print a policy that asks this server, and stop"
    )
    given = parser.parse_args(arguments)
    if given.policy:
        sys.stdout.write((files("resources.ai_services.drill") / "policy.yaml").read_text("utf-8"))
        return 0
    try:
        written = yaml.safe_load(given.script.read_text("utf-8")) if given.script else {}
        script = FaultScript.model_validate(written or {})
        with serving(DrillServer(script), given.port) as url:
            sys.stderr.write(f"serving {url}; its log is at {url[:-3]}/drill/log\n")
            while True:
                time.sleep(3600)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        sys.stderr.write(f"{given.script or given.port}: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
