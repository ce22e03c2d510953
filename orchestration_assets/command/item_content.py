"""The content of one item, read again for a person who looks at its answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa

from orchestration_assets.content.content_reader import ContentReader
from orchestration_assets.disagreement.item_contents import ItemContents
from orchestration_assets.disagreement.readings import Vote
from orchestration_assets.policy.hidden_content import hides_content
from orchestration_assets.policy.pinned_policy import PinnedPolicyError, read_pinned_policy
from orchestration_assets.schemas.enums import EntryOutcome
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import CONTENT_MANIFEST, ManifestRow
from orchestration_assets.text.content_excerpts import ContentExcerpt
from resources.damage import leaving_out_damage
from resources.home import Home
from resources.table_store import TableMissingError


@dataclass(frozen=True, slots=True)
class ItemContent:
    """An item's excerpts and metadata; ``problem`` where its batch can no longer be read.

    ``policy`` is the one by which it was asked about. ``hidden``: by policy nobody is shown
    anything of it, nor what quotes it.
    """

    item_id: str
    policy: Policy
    contents: ItemContents | None
    problem: str = ""
    hidden: bool = False

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return self.contents.metadata(self.item_id) if self.contents else ()

    def excerpt(self, votes: Sequence[Vote]) -> ContentExcerpt:
        """The part of the content that tells which answer is right, or why it is not shown."""
        if self.contents is None:
            return ContentExcerpt(note=self.problem)
        return self.contents.excerpt(self.item_id, votes)


@contextmanager
def item_content(
    home: Home, policy: Policy, row: ManifestRow, profiles: pa.Table, plans: pa.Table
) -> Iterator[ItemContent]:
    """The content that a manifest row is about, through the source of its batch.

    The row may be of an item whose results another one holds: both have the same content. What
    the policy in force or that of the ``plans`` hides is hidden, everything where the latter cannot
    be read.
    """
    try:
        pinned = read_pinned_policy(home.policies, plans)
    except PinnedPolicyError as error:
        yield ItemContent(row.item_id, policy, None, f"not shown: {error}", hidden=True)
        return
    asked_by = pinned or policy
    source: str | None = None
    problem = f"not shown: the record of batch {row.batch} is damaged"
    try:
        with leaving_out_damage():
            source = home.batches.source(row.batch)
    except TableMissingError as error:
        problem = f"not shown: {error}"
    if source is None:
        yield ItemContent(row.item_id, asked_by, None, problem)
        return
    policies = [policy, pinned] if pinned else [policy]
    manifest = rows_to_arrow(CONTENT_MANIFEST, [replace(row, outcome=EntryOutcome.ACCEPTED)])
    with ContentReader(home, source, policy.content.read_s) as reader:
        contents = ItemContents(policies, manifest, profiles, reader)
        yield ItemContent(row.item_id, asked_by, contents, hidden=hides_content(policies))
