"""Checks of features: every profiled item has its row, and every copy its representative."""

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.features.cache_report import ANSWERS
from orchestration_assets.schemas.cache import FEATURE_CACHE_REPORT
from orchestration_assets.schemas.enums import ProfileStatus
from orchestration_assets.schemas.tables import CONTENT_PROFILES
from orchestration_assets.schemas.vectors import CONTENT_VECTORS
from orchestration_assets.table_assets import Balance, Stored, table_checks


def _check_profiles_have_vectors(stored: Stored, vectors: pa.Table) -> list[Balance]:
    profiles = stored.table(CONTENT_PROFILES.name, ["item_id", "status"])
    ok = profiles.filter(pc.equal(profiles["status"], ProfileStatus.OK))
    profiled, found = set(ok["item_id"].to_pylist()), set(vectors["item_id"].to_pylist())
    inside = vectors.filter(pc.equal(vectors["representative_batch"], vectors["batch"]))
    named = set(inside["representative"].to_pylist())
    own = inside.filter(pc.equal(inside["representative"], inside["item_id"]))
    return [
        Balance(len(profiled), len(profiled & found), "profiled items with vectors"),
        Balance(0, len(found - profiled), "vectors without a profiled item"),
        Balance(len(named), len(named & set(own["item_id"].to_pylist())), "own representatives"),
    ]


def _check_uses_counted(stored: Stored, report: pa.Table) -> list[Balance]:
    uses = [len(tiers) for _, _, tiers in stored.home.cache_uses.read()]
    features = report.filter(pc.not_equal(report["used_for"], ANSWERS))
    more = report.filter(pc.greater(report["hits"], report["lookups"]))
    return [
        Balance(sum(uses), pc.sum(features["batches"]).as_py() or 0, "uses of a tier counted"),
        Balance(0, more.num_rows, "tiers with more hits than lookups"),
    ]


content_vectors_checks = table_checks(
    CONTENT_VECTORS,
    _check_profiles_have_vectors,
    columns=["item_id", "batch", "representative", "representative_batch"],
)
feature_cache_report_checks = table_checks(
    FEATURE_CACHE_REPORT, _check_uses_counted, per_batch=False
)
