"""Telling a web address that something happened: bounded in time, and silent about the address.

The address of a webhook is a secret. It is never part of an error, a log line or a return value.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import stamina

from orchestration_assets.schemas.errors import OrchestrationError

if TYPE_CHECKING:
    import httpx

_RETRIED: Final = frozenset({408, 425, 429})
_TOTAL_SECONDS: Final = 6.0


class WebhookError(OrchestrationError):
    """The message was not delivered; the words say why, without the address."""


class _TransientError(WebhookError):
    """A failure that another attempt may mend."""


def post(url: str, payload: Mapping[str, Any], timeout_seconds: float, attempts: int) -> None:
    """Posts the payload as JSON; any answer from 200 to 299 counts as delivered.

    ``timeout_seconds`` bounds connecting and each wait for the answer. No answer, 408, 425, 429
    and 500 to 599 are tried again, up to ``attempts`` times in all; none starts more than six
    seconds after the first.
    Redirects are not followed: they would carry the message to an address that nobody chose.
    Raises WebhookError.
    """
    import httpx

    retries = stamina.retry_context(
        on=_TransientError,
        attempts=attempts,
        timeout=_TOTAL_SECONDS,
        wait_initial=0.1,
        wait_max=1.0,
        wait_jitter=0.2,
    )
    with _unlogged(), httpx.Client(timeout=timeout_seconds) as client:
        for attempt in retries:
            with attempt:
                _post_once(client, url, payload, timeout_seconds)


def _post_once(
    client: "httpx.Client", url: str, payload: Mapping[str, Any], timeout_seconds: float
) -> None:
    import httpx

    # what httpx says of a failure may hold the address: its words are left out, and its trace
    try:
        with client.stream("POST", url, json=payload) as response:
            status = response.status_code
    except httpx.TimeoutException:
        raise _TransientError(f"no answer within {timeout_seconds:g} s") from None
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL):
        raise WebhookError("the address is not a http:// or https:// URL") from None
    except httpx.HTTPError as error:
        raise _TransientError(f"not reachable ({type(error).__name__})") from None
    if status in _RETRIED or status >= 500:
        raise _TransientError(f"answered with status {status}")
    if not 200 <= status < 300:
        raise WebhookError(f"answered with status {status}")


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keeps httpx from logging the address of each request."""
    logger = logging.getLogger("httpx")

    def nothing(record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)
