"""Checks of what a policy says of knowledge."""

from collections.abc import Iterator

from orchestration_assets.policy.problems import Problem, closest_name, describe_value, safe_key
from orchestration_assets.schemas.policy import Policy


def knowledge_problems(policy: Policy) -> Iterator[Problem]:
    """Corpora that are named and not declared."""
    known = list(policy.knowledge)
    for name, task in policy.tasks.items():
        for place, corpus in enumerate(task.passages.of if task.passages else ()):
            if corpus not in policy.knowledge:
                path = f"tasks.{safe_key(name)}.passages.of[{place}]"
                message = "is not declared under knowledge"
                yield Problem(
                    path, describe_value(corpus, known), message, closest_name(corpus, known)
                )
