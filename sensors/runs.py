"""What sensors ask about runs."""

from typing import Final

import dagster as dg

from resources.lost_runs import UNDER_WAY

STARTED: Final = dg.DefaultSensorStatus.RUNNING
STOPPED: Final = dg.DefaultSensorStatus.STOPPED
"""Whether a sensor looks from the first load on, or waits to be switched on."""
PARTITION_TAG: Final = "dagster/partition"


def batches_under_way(instance: dg.DagsterInstance) -> set[str]:
    """The batches that a run of this instance is about which has not come to its end."""
    records = instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))
    return {run.tags[PARTITION_TAG] for run in records if PARTITION_TAG in run.tags}
