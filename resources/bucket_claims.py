"""Claims of a home that several machines share, as objects in its store.

A conditional write decides who has a claim. An owner who has not renewed it for the lease, by the
clock of the store, is gone: its claim is taken over, and it learns of that when it renews it. A
claim that was given back stays as an empty object: removed, it could be the claim of somebody who
took it meanwhile.
"""

from typing import Final

from resources.bucket import Bucket, StoredObject

_FOLDER: Final = "claims"
_FREE: Final = b"{}"


class BucketClaim:
    """One claim; ``name`` is a plain name, ``lease_s`` how long it holds without being renewed.

    Methods raise StoreAwayError.
    """

    def __init__(self, bucket: Bucket, name: str, lease_s: float) -> None:
        self._bucket = bucket
        self._key = f"{_FOLDER}/{name}"
        self._lease_s = lease_s
        self._etag = ""

    def take(self, owner: bytes) -> bool:
        """Whether the claim is ours now. ``owner`` tells this owner from all others."""
        before = self._bucket.get(self._key)
        if before is None:
            return self._have(self._bucket.put_if_absent(self._key, owner))
        if self._is_held(before):
            return False
        # whoever took it meanwhile changed its tag
        return self._have(self._bucket.put_if_unchanged(self._key, owner, before.etag))

    def renew(self, owner: bytes) -> bool:
        """Writes the owner with its next beat; False when the claim was taken over."""
        return self._have(self._bucket.put_if_unchanged(self._key, owner, self._etag))

    def give_back(self) -> None:
        """Frees the claim, unless it was taken over."""
        self._bucket.put_if_unchanged(self._key, _FREE, self._etag)

    def owner(self) -> bytes | None:
        """What the living owner wrote; None when nobody has the claim."""
        found = self._bucket.get(self._key)
        return found.data if found is not None and self._is_held(found) else None

    def _have(self, etag: str | None) -> bool:
        self._etag = etag or self._etag
        return etag is not None

    def _is_held(self, found: StoredObject) -> bool:
        return found.data != _FREE and found.age_s <= self._lease_s


def claim_keys(bucket: Bucket) -> list[str]:
    """The names of all claims that there ever were."""
    return sorted(key.split("/", 1)[1] for key in bucket.list(_FOLDER))
