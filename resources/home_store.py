"""Which store a home belongs to: written down in the home, so that each of its processes knows."""

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from orchestration_assets.schemas.errors import DamagedFileError, OrchestrationError
from resources.table_store import write_atomically

if TYPE_CHECKING:
    from resources.bucket_copy import BucketCopy

FILE_NAME: Final = "store.json"


class OtherStoreError(OrchestrationError):
    """A home is to be used with another store than its own."""


def copy_of_store(home: Path) -> "BucketCopy | None":
    """The home's copy of what its store holds; None for a home that has no store.

    Raises DamagedFileError.
    """
    path = home / FILE_NAME
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _read(path, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _read(path: Path, modified_ns: int) -> "BucketCopy":
    # most homes do without the libraries of a store
    from resources.bucket import Bucket, bucket_url
    from resources.bucket_copy import BucketCopy

    try:
        stated = json.loads(path.read_bytes())
        return BucketCopy(path.parent, Bucket(bucket_url(stated["url"])), str(stated["home"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(
            path, f"names no store ({error})", "delete it, and give the store again"
        ) from error


def use_store(home: Path, url: str | None) -> None:
    """Fetches what is new in the home's store; ``url`` names it at the first use.

    Nothing happens for a home without a store. Raises StoreUrlError, OtherStoreError,
    StrangeStoreError, StoreAwayError.
    """
    copy = copy_of_store(home)
    if copy is None and url is None:
        return
    from resources.bucket import bucket_url

    stated = None if url is None else bucket_url(url)
    if copy is None and stated is not None:
        copy = _join(home, stated)
    assert copy is not None
    if stated not in (None, copy.bucket.url):
        raise OtherStoreError(
            f"{home} belongs to the store {copy.bucket.url}, not to {stated}: give another --home"
        )
    copy.join(first=False)
    copy.pull()


def _join(home: Path, url: str) -> "BucketCopy":
    """The first use; one that was stopped goes on with the name that it began with."""
    from resources.bucket import Bucket
    from resources.bucket_copy import BucketCopy

    began = home / f".{FILE_NAME}"
    if not began.exists():
        write_atomically(began, json.dumps({"url": url, "home": uuid4().hex}).encode())
    stated = json.loads(began.read_bytes())
    copy = BucketCopy(home, Bucket(url), str(stated["home"]))
    copy.join(first=True)
    write_atomically(home / FILE_NAME, json.dumps(stated | {"url": url}).encode())
    began.unlink(missing_ok=True)
    return copy


def give_back(home: Path) -> None:
    """Stores what was changed in the home and is not stored yet. Raises StoreAwayError,
    StoreConflictError."""
    copy = copy_of_store(home)
    if copy is not None:
        copy.push()
