"""One request against servers that say what they should not."""

import asyncio
import contextlib
import json

import pytest

from orchestration_assets.text.replies.call_errors import (
    CallError,
    ConnectionBroken,
    EndpointNotFound,
    MalformedResponse,
    Unavailable,
)
from resources.ai_services.http.chat import ChatService
from resources.ai_services.http.transport import Transport
from tests.ai_services.http.samples import asked, chat


async def told(answer: bytes, *, stream: bool = False) -> tuple[bytes | CallError, int]:
    """What a transport makes of these bytes, and how many requests came."""
    requests = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = Transport(chat(f"http://127.0.0.1:{port}/v1"))
    try:
        if stream:
            async with transport.lines("/x", b"{}", {}) as lines:
                return b"|".join([line.encode() async for line in lines.lines]), requests
        return (await transport.post("/x", b"{}", {})).data, requests
    except CallError as error:
        return error, requests
    finally:
        await transport.aclose()
        server.close()


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode() + body


def test_a_redirect_is_not_followed() -> None:
    said = answer("302 Found", "Location: /elsewhere", "Content-Length: 0")
    error, requests = asyncio.run(told(said))
    assert isinstance(error, EndpointNotFound)
    assert requests == 1


def test_a_pause_is_heard_though_its_body_breaks_off() -> None:
    said = answer("503 Busy", "Retry-After: 7", "Content-Length: 999", body=b"later")
    error, _ = asyncio.run(told(said))
    assert isinstance(error, Unavailable)
    assert error.retry_after == 7.0


def test_an_answer_that_says_it_is_endless_is_not_read() -> None:
    error, _ = asyncio.run(told(answer("200 OK", f"Content-Length: {1 << 40}", body=b"{}")))
    assert isinstance(error, MalformedResponse)
    assert "larger than" in str(error)


def test_an_answer_of_unknown_length_is_read_to_its_end() -> None:
    assert asyncio.run(told(answer("200 OK", body=b"{}" * 40_000)))[0] == b"{}" * 40_000


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_lines_are_put_together_from_whatever_parts_they_come_in(end) -> None:
    body = b"data: 1\r\n\n" + b"x" * 100_000 + b"\nlast" + end
    said, _ = asyncio.run(told(answer("200 OK", body=body), stream=True))
    assert said == b"data: 1||" + b"x" * 100_000 + b"|last"


@pytest.mark.parametrize("address", ["http://a..b/v1", "http://user:pw@127.0.0.1:9/v1"])
def test_an_address_that_no_request_can_be_made_to_is_no_attempt_that_was_answered(address) -> None:
    async def ask() -> None:
        transport = Transport(chat("http://a").model_copy(update={"base_url": address}))
        try:
            await transport.post("/x", b"{}", {"authorization": "Bearer k"})
        finally:
            await transport.aclose()

    with pytest.raises(EndpointNotFound, match="no request can be made"):
        asyncio.run(ask())


class Log:
    """What a server was sent: the requests of each connection, in order."""

    def __init__(self) -> None:
        self.connections: list[list[bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers each request with its own body; keeps silent where the body is ``wait``."""
        requests: list[bytes] = []
        self.connections.append(requests)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                requests.append(head + body)
                if body == b"wait":
                    await reader.read()
                    return
                early = answer("103 Early Hints", "Link: </x>")
                writer.write(early + answer("200 OK", f"Content-Length: {length}", body=body))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def logged(*bodies: bytes, headers: dict[str, str] | None = None) -> tuple[Log, list[object]]:
    """What comes of these requests, one after the other; ``wait`` is given up after a moment."""
    log = Log()
    server = await asyncio.start_server(log.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = Transport(chat(f"http://127.0.0.1:{port}/v1"))
    results: list[object] = []
    for body in bodies:
        try:
            async with asyncio.timeout(0.2 if body == b"wait" else 60):
                results.append((await transport.post("/x", body, headers or {})).data)
        except (CallError, TimeoutError) as error:
            results.append(type(error))
    await transport.aclose()
    server.close()
    return log, results


def test_requests_share_a_connection_and_announcements_are_passed_over() -> None:
    log, results = asyncio.run(logged(b"one", b"two" * 100_000, b"three"))
    assert results == [b"one", b"two" * 100_000, b"three"]
    assert len(log.connections) == 1


def test_an_answer_that_was_given_up_is_no_answer_to_the_next_request() -> None:
    log, results = asyncio.run(logged(b"one", b"wait", b"two"))
    assert results == [b"one", TimeoutError, b"two"]
    assert [len(requests) for requests in log.connections] == [2, 1]


def test_what_nobody_asked_for_is_no_answer_to_the_next_request() -> None:
    async def unasked() -> list[bytes]:
        heard = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    body = await reader.readexactly(3)
                    writer.write(answer("200 OK", "Content-Length: 3", body=body))
                    await heard.wait()
                    writer.write(answer("200 OK", "Content-Length: 5", body=b"stray"))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        transport = Transport(chat(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
        answers = [(await transport.post("/x", b"one", {})).data]
        (waiting,) = transport.pool.idle
        heard.set()
        while waiting.is_open:
            await asyncio.sleep(0.001)
        answers.append((await transport.post("/x", b"two", {})).data)
        await transport.aclose()
        server.close()
        return answers

    assert asyncio.run(unasked()) == [b"one", b"two"]


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\rb", "a\0b"])
def test_no_header_breaks_out_of_its_line(value) -> None:
    log, results = asyncio.run(logged(b"one", headers={"x-one": value}))
    assert results == [EndpointNotFound]
    assert not any(log.connections)


def test_own_headers_take_the_place_of_the_usual_ones() -> None:
    log, _ = asyncio.run(logged(b"one", headers={"User-Agent": "tester", "X-Städte": "Köln"}))
    head = log.connections[0][0].decode().lower()
    assert head.count("user-agent: ") == 1
    assert "user-agent: tester\r\n" in head
    assert "x-städte: köln\r\n" in head
    assert head.startswith("post /v1/x http/1.1\r\nhost: 127.0.0.1:")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", ConnectionBroken),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 900_000, ConnectionBroken),
        (b"HTTP/1.1 200 OK\r\n", ConnectionBroken),
        (answer("200 OK", "Content-Length: 9", body=b"{}"), MalformedResponse),
        (answer("200 OK", "Transfer-Encoding: chunked", body=b"2\r\n{}\r\nzz"), MalformedResponse),
        (
            answer("200 OK", "Transfer-Encoding: chunked", body=b"0\r\nX-Long: " + b"x" * 900_000),
            MalformedResponse,
        ),
        (answer("101 Switching Protocols", "Upgrade: x", "Connection: upgrade"), EndpointNotFound),
    ],
)
def test_what_is_no_whole_response_fails_as_what_it_is(said, error) -> None:
    found, requests = asyncio.run(told(said))
    assert type(found) is error
    assert requests == 1


def test_a_second_response_to_one_request_is_no_answer_to_the_next() -> None:
    async def doubled() -> tuple[list[bytes], int]:
        connections = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(3)
                stray = answer("200 OK", "Content-Length: 5", body=b"stray")
                writer.write(answer("200 OK", "Content-Length: 3", body=body) + stray)
                await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        transport = Transport(chat(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
        answers = [(await transport.post("/x", body, {})).data for body in (b"one", b"two")]
        await transport.aclose()
        server.close()
        return answers, connections

    assert asyncio.run(doubled()) == ([b"one", b"two"], 2)


def test_no_more_connections_are_open_than_may_be_and_who_gives_up_waiting_takes_none() -> None:
    async def crowded() -> tuple[Log, list[bytes]]:
        log = Log()
        server = await asyncio.start_server(log.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        transport = Transport(chat(url, concurrency=2))
        bodies = [b"%03d" % n for n in range(20)]
        posts = [asyncio.ensure_future(transport.post("/x", body, {})) for body in bodies]
        await asyncio.sleep(0)
        posts[5].cancel()
        done = await asyncio.gather(*posts, return_exceptions=True)
        await transport.aclose()
        server.close()
        return log, [one.data for one in done if not isinstance(one, BaseException)]

    log, answered = asyncio.run(crowded())
    assert answered == [b"%03d" % n for n in range(20) if n != 5]
    assert len(log.connections) == 2


@pytest.mark.parametrize("parameters", [{}, {"temperature": 0, "stop": ["\u00e9", None]}])
def test_what_is_sent_is_the_body_of_the_request(parameters) -> None:
    """It is put together from parts that were written before."""
    log = Log()

    async def ask() -> list[bytes]:
        server = await asyncio.start_server(log.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        service = ChatService("s", chat(url, parameters=parameters, model='m"messages": null'))
        requests = [service.prepare([asked(text)]) for text in ("one", 'tw\u00f6 "\n\0')]
        for request in requests:
            # the server repeats what it was sent, which is no answer
            with contextlib.suppress(CallError):
                await service.send(request, "k")
        await service.aclose()
        server.close()
        return [json.dumps(request.body).encode() for request in requests]

    bodies = asyncio.run(ask())
    assert [sent.split(b"\r\n\r\n", 1)[1] for sent in log.connections[0]] == bodies
