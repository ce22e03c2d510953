"""A folder of a bucket in an S3-compatible store, where conditional writes decide who wins.

Credentials and the endpoint come from the environment of the store's client, never from the URL.
"""

import asyncio
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final

from orchestration_assets.schemas.errors import OrchestrationError, SourceError, StoreAwayError
from orchestration_assets.schemas.source_urls import checked_url, scheme_of, shown
from resources.content_source.stores import store_class

_SCHEMES: Final = frozenset({"s3", "s3a"})
_CLIENT: Final = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 2}}
_ATTEMPTS: Final = 3
_ABSENT: Final = frozenset({"404", "NoSuchKey"})
# 409: another conditional write of the key was under way
_LOST: Final = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})
_NO_BUCKET: Final = "NoSuchBucket"
_NONE: Final[frozenset[str]] = frozenset()
# of a URL in the client's words the server says enough; with the object, each step's error differs
_URL: Final = re.compile(r"(https?://[^/\s\"']+)/[^\s\"']*")
_REMEDY: Final = "see that it is reachable, then run the same command to go on"


class StoreUrlError(OrchestrationError):
    """What is named as the store of a home cannot be one."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Bytes of an object, the tag of that version, and its age by the clock of the store."""

    data: bytes
    etag: str
    age_s: float = 0.0


class Bucket:
    """Objects below ``s3://bucket/folder``, by keys relative to it.

    Every method raises StoreAwayError when the store cannot be asked.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._bucket, _, prefix = url.split("://", 1)[1].partition("/")
        self._prefix = f"{prefix}/" if prefix else ""

    def get(self, key: str) -> StoredObject | None:
        """An object, None where there is none."""
        answer = self._call("get_object", _ABSENT, Key=self._prefix + key)
        if answer is None:
            return None
        from fsspec.asyn import sync

        async def body() -> bytes:
            async with answer["Body"] as stream:
                return bytes(await stream.read())

        with self._named():
            now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
            age_s = (now - answer["LastModified"]).total_seconds()
            data = sync(self._connected().loop, body)
            return StoredObject(data, answer["ETag"], age_s)

    def put_if_absent(self, key: str, data: bytes) -> str | None:
        """Stores a new object; its tag, None when there is one of that key."""
        return self._put(key, data, IfNoneMatch="*")

    def put_if_unchanged(self, key: str, data: bytes, etag: str) -> str | None:
        """Replaces the version of that tag; the new tag, None when it is not that any more."""
        return self._put(key, data, IfMatch=etag)

    def list(self, folder: str) -> dict[str, str]:
        """The tag of every object below a folder, by key."""
        found: dict[str, str] = {}
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", _NONE, Prefix=f"{self._prefix}{folder}/", **more)
            for one in page.get("Contents", ()):
                found[one["Key"].removeprefix(self._prefix)] = one["ETag"]
            if not page.get("IsTruncated"):
                return found
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def delete_if_unchanged(self, key: str, etag: str) -> bool:
        """Removes the version of that tag; False when there is another one by now.

        A store that knows no conditional removal removes whatever there is.
        """
        refused = _LOST | _ABSENT
        gone = self._call("delete_object", refused, Key=self._prefix + key, IfMatch=etag)
        return gone is not None or self.get(key) is None

    def _put(self, key: str, data: bytes, **condition: str) -> str | None:
        """A write whose answer was lost counts as done when the object holds its bytes."""
        refused = _LOST | _ABSENT
        answer = self._call("put_object", refused, Key=self._prefix + key, Body=data, **condition)
        if answer is not None:
            return str(answer["ETag"])
        found = self.get(key)
        return found.etag if found is not None and found.data == data else None

    def _call(self, method: str, expected: frozenset[str] = _NONE, /, **arguments: Any) -> Any:
        """The answer; None when the store says one of the ``expected`` codes."""
        with self._named():
            client = self._connected()
            try:
                return client.call_s3(method, Bucket=self._bucket, **arguments)
            except Exception as error:  # botocore makes the classes of its errors as it goes
                codes = _codes(error)
                # that the bucket itself is gone is said as that an object is
                if codes & expected and _NO_BUCKET not in codes:
                    return None
                raise

    def _connected(self) -> Any:
        # of each process: a client does not survive a fork
        named = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
        return _client(scheme_of(self.url) or "", os.getpid(), named)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Whatever the client raises in one line that names the store."""
        try:
            yield
        except SourceError:
            raise
        except Exception as error:  # the client raises those of several libraries
            said = _URL.sub(r"\1", " ".join(str(error).split()))
            what = said[:200] or type(error).__name__
            raise StoreAwayError(
                f"the store {shown(self.url)} cannot be used ({what}): {_REMEDY}"
            ) from error


@lru_cache(maxsize=8)
def _client(scheme: str, process: int, environment: tuple[tuple[str, str], ...]) -> Any:
    """A client for all buckets that are reached by the same settings: to make one takes long."""
    client = store_class(f"{scheme}://")(
        skip_instance_cache=True, use_listings_cache=False, config_kwargs=_CLIENT
    )
    client.retries = _ATTEMPTS
    client.loop.set_exception_handler(_unless_lost_connection)
    return client


def _unless_lost_connection(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Passes over what a lost connection leaves in tasks of the HTTP client that nobody awaits.

    The request on that connection fails too, and its caller names the store.
    """
    from aiohttp import ClientConnectionError

    if not isinstance(context.get("exception"), ConnectionError | ClientConnectionError):
        loop.default_exception_handler(context)


def _codes(error: BaseException | None) -> set[str]:
    """The codes that an answer of the store had, of the error or what caused it."""
    found: set[str] = set()
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            found.add(str(response.get("Error", {}).get("Code", "")))
            found.add(str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")))
        error = error.__cause__
    return found


def bucket_url(given: str) -> str:
    """The URL of a store in its one form. Raises StoreUrlError."""
    try:
        url = checked_url(given)
        if scheme_of(url) not in _SCHEMES or not url.split("://", 1)[-1].strip("/"):
            raise StoreUrlError(
                f"{shown(given)!r} is no store of a home: give s3://bucket/folder of an "
                "S3-compatible store"
            )
        store_class(url)
    except SourceError as error:
        raise StoreUrlError(f"the store of the home: {error}") from error
    return url
