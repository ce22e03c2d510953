"""The home and the policy file as Dagster resources."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import dagster as dg

from resources.active_policy import active_policy_file, kept_policy_file
from resources.claims import Owner, claimed, owner_description
from resources.home import Home
from resources.home_store import give_back, use_store
from resources.maintenance import await_maintenance
from resources.run_claims import run_claim
from resources.run_locks import run_lock
from resources.series import read_series


class HomeResource(dg.ConfigurableResource[Home]):
    """The folder that keeps everything of a project: batches, tables, models, caches, reports.

    ``store``: the URL of the store that it belongs to, if any. ``series``: the folder of the series
    of batches that its runs belong to, if they do.
    """

    path: str
    store: str | None = None
    series: str | None = None

    def create_resource(self, context: dg.InitResourceContext) -> Home:
        folder = Path(self.path).expanduser().absolute()
        use_store(folder, self.store)
        return Home(folder, series=read_series(self.series)) if self.series else Home(folder)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Home, None, None]:
        """Holds the run's lock, so that a run whose process dies is found out, and its claim.

        Waits while another process carries out the same batch.
        """
        home, run = self.create_resource(context), context.run
        with ExitStack() as stack:
            if run is not None:
                stack.enter_context(run_lock(home.running, run.run_id))
                claim = run_claim(home.tables, run.job_name, run.tags)
                home = replace(home, claim=claim)
                if claim is not None:
                    what = f"{run.job_name}, Dagster run {run.run_id}"
                    waiting = partial(_log_owner, context, claim.name)
                    stack.enter_context(claimed(home.folder, claim.name, what, waiting))
                await_maintenance(home, partial(_log_owner, context, "the home"))
            yield home
            give_back(home.folder)


def _log_owner(context: dg.InitResourceContext, claim: str, owner: Owner | None) -> None:
    if context.log is not None:
        holder = owner_description(owner)
        context.log.info(f"{claim} is being carried out by {holder}; waiting for it")


class PolicyFileResource(dg.ConfigurableResource["PolicyFileResource"]):
    """Which policy file is in force: ``path``; else the active policy of ``home``; else the file
    that is ``watched``; else the packaged default, None.

    What is in force is found out once, when a run or the tick of a sensor begins: a run keeps it,
    and shows it as a tag, whatever is activated meanwhile.
    """

    path: str | None = None
    home: str | None = None
    watched: str | None = None

    def create_resource(self, context: dg.InitResourceContext) -> "PolicyFileResource":
        return self.model_copy(update={"path": self._in_force(context)})

    def _in_force(self, context: dg.InitResourceContext) -> str | None:
        if self.path is not None or self.home is None:
            return self.path or self.watched
        home, run = Home(Path(self.home).expanduser().absolute()), context.run
        held = None if run is None else run.tags.get(HELD_POLICY_TAG)
        if held is not None:
            return str(kept_policy_file(home, held))
        # the steps of a run may be processes of their own; one that is done again begins anew
        pinned = None if run is None or run.parent_run_id else run.tags.get(POLICY_TAG)
        if pinned is not None:
            return str(kept_policy_file(home, pinned))
        active = active_policy_file(home)
        if active is None:
            return self.watched
        if run is not None and context.instance is not None:
            context.instance.add_run_tags(run.run_id, {POLICY_TAG: active.stem})
        return str(active)


POLICY_TAG: Final = "orchestration/policy"
"""On a run: the hash of the active policy that it pinned."""
HELD_POLICY_TAG: Final = "orchestration/held_policy"
"""On a run: the hash of the kept policy that it was started under, whichever is active; a run that
does it again keeps it."""
