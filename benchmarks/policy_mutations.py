"""Mutated policies: whether each is valid or one list of problems, and how long that takes."""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks._output import table, write_json
from benchmarks._policy_mutations import KINDS, MutatedPolicy, mutated_policies
from orchestration_assets.policy.load import load_policy
from orchestration_assets.policy.problems import PolicyError

BAR_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class MutationOutcome:
    """What became of one mutated policy: how many problems, and processor seconds of the slower
    loading: what others do on the machine does not count."""

    kinds: tuple[str, ...]
    problems: int
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """``[--count N] [--seed N] [--json FILE]``; ends with 1 where one took longer than the bar."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks policy_mutations", description=__doc__
    )
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    # what is loaded once is not counted
    load_policy()
    judged = [judge(one) for one in mutated_policies(given.count, given.seed)]
    print(_show(judged))
    write_json(given.json, {"judged": [asdict(one) for one in judged]})
    return int(any(one.seconds > BAR_S for one in judged))


def judge(mutated: MutatedPolicy) -> MutationOutcome:
    """Loads one from files, without and with its environment. Raises what is no PolicyError."""
    problems = 0
    with TemporaryDirectory() as folder:
        for name, text in mutated.texts.items():
            (Path(folder) / name).write_bytes(text.encode("utf-8", "surrogatepass"))
        seconds = 0.0
        for environment in ("", "production"):
            began = time.process_time()
            try:
                load_policy(Path(folder) / "policy.yaml", environment, {})
            except PolicyError as error:
                problems = max(problems, len(error.problems))
            seconds = max(seconds, time.process_time() - began)
    return MutationOutcome(mutated.kinds, problems, seconds)


def _show(judged: Sequence[MutationOutcome]) -> str:
    rows = []
    for kind in KINDS:
        of_kind = [one for one in judged if kind in one.kinds]
        seconds = sorted(one.seconds for one in of_kind) or [0.0]
        usable = Counter(one.problems == 0 for one in of_kind)[True]
        rows.append((kind, len(of_kind), usable, seconds[len(seconds) // 2], seconds[-1]))
    slowest = max((one.seconds for one in judged), default=0.0)
    title = (
        f"{len(judged)} mutated policies, loaded without and with an environment: each valid or "
        f"one list of problems; the longest took {slowest:.2f} processor seconds (bar {BAR_S:g})"
    )
    header = ("mutation", "policies", "valid", "median s", "longest s")
    return table(title, header, rows)
