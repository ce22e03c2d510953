"""What is hidden where nothing says any more under which policy a batch was asked."""

from pathlib import Path

from orchestration_assets.policy.hidden_content import hidden_in
from orchestration_assets.schemas.tables import PROCESSING_PLANS, RESOLUTIONS
from resources.home import Home


def test_only_what_was_never_planned_is_shown_without_a_policy(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert not hidden_in(home, "b1")
    home.tables.write(PROCESSING_PLANS, PROCESSING_PLANS.schema.empty_table(), "b1")
    assert not hidden_in(home, "b1")
    home.tables.write(RESOLUTIONS, RESOLUTIONS.schema.empty_table(), "b1")
    plans = home.tables.path(PROCESSING_PLANS.name, "b1")
    plans.write_bytes(b"not a table")
    assert hidden_in(home, "b1")
    plans.unlink()
    assert hidden_in(home, "b1")
