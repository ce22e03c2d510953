"""Alerts are looked at also when nothing runs: what waits too long is told of then."""

from datetime import UTC, datetime
from typing import Final

import dagster as dg

from orchestration_assets.namespace import ALONE, Namespace, with_resources_of
from orchestration_assets.policy.load import load_policy
from orchestration_assets.schemas.policy import Webhook
from orchestration_assets.settings import Settings
from orchestration_assets.signals.watch import watch
from resources.home import Home
from resources.home_resource import PolicyFileResource
from sensors.runs import STARTED, STOPPED


def alerts_sensor_in(
    space: Namespace,
    tick_seconds: int | None = None,
    started: bool = False,
    webhook: Webhook | None = None,
) -> dg.SensorDefinition:
    """The sensor of one home; ``webhook`` is told where the policy names none.

    It looks every ``tick_seconds``, by default as often as the environment says.
    """

    def sense(
        context: dg.SensorEvaluationContext,
        home: dg.ResourceParam[Home],
        policy_file: PolicyFileResource,
    ) -> dg.SkipReason:
        return _tick(context, home, policy_file, webhook)

    return dg.sensor(
        name=space.name("alerts_sensor"),
        target=None,
        default_status=STARTED if started else STOPPED,
        minimum_interval_seconds=tick_seconds or Settings.from_environment().tick_seconds,
        description=(
            "Looks at the alerts of the policy by the newest signals, also when nothing runs, and "
            "tells the webhook once as one begins and once as it ends. It starts no run."
        ),
    )(with_resources_of(space, sense))


def _tick(
    context: dg.SensorEvaluationContext,
    home: Home,
    policy_file: PolicyFileResource,
    webhook: Webhook | None,
) -> dg.SkipReason:
    seen = watch(home, load_policy(policy_file.path).policy, datetime.now(UTC), webhook=webhook)
    for problem in seen.problems:
        context.log.error(problem)
    for message in seen.delivered:
        context.log.info(message.payload()["text"])
    if not seen.findings:
        return dg.SkipReason("The policy has no alerts.")
    holding = [f"{one.name}: {one.words}" for one in seen.findings if one.holds]
    said = "; ".join(holding) if holding else f"None of {len(seen.findings)} alerts holds."
    return dg.SkipReason(said)


alerts_sensor: Final = alerts_sensor_in(ALONE)
