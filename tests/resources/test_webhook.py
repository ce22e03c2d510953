import logging
import socket

import pytest

from resources.webhook import WebhookError, post
from tests.webhooks import SECRET_PATH, receiving

MESSAGE = {"event": "run_failed", "batch": "b-1"}


def test_the_message_arrives_as_json() -> None:
    with receiving(204) as receiver:
        post(receiver.url, MESSAGE, 2.0, 1)
    assert receiver.received == [(SECRET_PATH, MESSAGE)]


@pytest.mark.parametrize("passing", [500, 503, 429, 408])
def test_a_passing_failure_is_tried_again(passing) -> None:
    with receiving(passing, 200) as receiver:
        post(receiver.url, MESSAGE, 2.0, 3)
    assert len(receiver.received) == 2


@pytest.mark.parametrize("lasting", [400, 404, 301, 307])
def test_a_lasting_refusal_and_a_redirect_are_not_tried_again(lasting) -> None:
    with receiving(lasting) as receiver, pytest.raises(WebhookError, match=f"status {lasting}"):
        post(receiver.url, MESSAGE, 2.0, 3)
    assert [path for path, _ in receiver.received] == [SECRET_PATH]


def test_attempts_are_counted() -> None:
    with receiving(503) as receiver, pytest.raises(WebhookError, match="answered with status 503"):
        post(receiver.url, MESSAGE, 2.0, 2)
    assert len(receiver.received) == 2


def test_a_silent_receiver_is_given_up() -> None:
    with receiving(0.5) as receiver, pytest.raises(WebhookError, match=r"no answer within 0\.1 s"):
        post(receiver.url, MESSAGE, 0.1, 1)


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:{port}/hooks/s3cr3t-t0ken", "not reachable"),
        ("ftp://127.0.0.1/hooks/s3cr3t-t0ken", "not a http"),
        ("/hooks/s3cr3t-t0ken", "not a http"),
        ("http://127.0.0.1:x/hooks/s3cr3t-t0ken", "not a http"),
    ],
)
def test_the_address_is_neither_in_the_error_nor_in_any_log(address, reason, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(WebhookError, match=reason) as caught:
        post(address.format(port=_closed_port()), MESSAGE, 1.0, 2)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "s3cr3t" not in caplog.text


def test_a_delivered_message_leaves_no_address_in_the_logs(caplog) -> None:
    caplog.set_level(logging.DEBUG)
    with receiving(500, 200) as receiver:
        post(receiver.url, MESSAGE, 2.0, 2)
    assert "s3cr3t" not in caplog.text
