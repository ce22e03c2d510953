"""One request against servers that say what they should not."""

import asyncio
import contextlib
import gzip

import pytest

from orchestration_assets.text.replies.call_errors import (
    CallError,
    ConnectionBroken,
    EndpointNotFound,
    MalformedResponse,
    Unavailable,
)
from resources.ai_services.http import connections, request_head
from resources.ai_services.http.request_head import RequestHead
from resources.ai_services.http.transport import Transport
from tests.ai_services.http.samples import chat


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


def test_one_connection_carries_answers_of_every_framing_one_after_the_other() -> None:
    packed = gzip.compress(b'{"packed": 1}')
    chunked = "Transfer-Encoding: chunked"
    pieces = [
        [answer("200 OK", chunked, body=b'3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n')],
        [answer("200 OK", "Content-Length: 0")],
        [answer("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(packed)}", body=packed)],
        [answer("200 OK", "Content-Length: 8", body=b'{"b"'), b":12}"],
        [answer("200 OK", chunked, body=b'2\r\n{"\r\n'), b'5\r\nc":1}\r\n0\r\n\r\n'],
        [answer("200 OK", chunked, "Content-Encoding: gzip", body=b"%x\r\n%b\r\n0\r\n\r\n")],
        [answer("200 OK", "Content-Length: 2", body=b"{}")],
    ]
    pieces[5] = [pieces[5][0] % (len(packed), packed)]
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        for parts in pieces:
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0.01)
        writer.close()

    async def ask() -> list[bytes]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        transport = Transport(chat(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
        answers = [(await transport.post("/x", b"{}", {})).data for _ in pieces]
        await transport.aclose()
        server.close()
        return answers

    said = [b'{"a":1}', b"", b'{"packed": 1}', b'{"b":12}', b'{"c":1}', b'{"packed": 1}', b"{}"]
    assert asyncio.run(ask()) == said
    assert served == 1


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
        assert transport._connections is not None
        ((idle,),) = transport._connections._idle.values()
        waiting = idle.connection.protocol
        heard.set()
        while not waiting.should_close:
            await asyncio.sleep(0.001)
        answers.append((await transport.post("/x", b"two", {})).data)
        await transport.aclose()
        server.close()
        return answers

    assert asyncio.run(unasked()) == [b"one", b"two"]


@pytest.mark.parametrize("at", [1, 9, 20])
@pytest.mark.parametrize("pause_s", [0.0, 0.02], ids=["with the answer", "after it"])
def test_what_began_before_a_request_is_no_answer_to_it(at, pause_s) -> None:
    async def ask() -> list[object]:
        sent = asyncio.Event()
        stray = answer("200 OK", "Content-Length: 3", body=b"one")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(3)
                whole = answer("200 OK", "Content-Length: 3", body=body)
                if body == b"one":
                    # as a relay that sends an answer twice, in packets as they happen to be cut
                    if pause_s:
                        writer.write(whole)
                        await asyncio.sleep(pause_s)
                    writer.write(stray[:at] if pause_s else whole + stray[:at])
                    sent.set()
                    await reader.readuntil(b"\r\n\r\n")
                    writer.write(stray[at:])
                else:
                    writer.write(whole)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        transport = Transport(chat(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
        answers: list[object] = [(await transport.post("/x", b"one", {})).data]
        await sent.wait()
        await asyncio.sleep(0.01)
        for body in (b"two", b"six"):
            try:
                answers.append((await transport.post("/x", body, {})).data)
            except CallError as error:
                answers.append(type(error))
        await transport.aclose()
        server.close()
        return answers

    assert asyncio.run(ask()) == [b"one", ConnectionBroken, b"six"]


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


def test_requests_of_one_head_differ_in_key_and_length_alone() -> None:
    async def written() -> list[bytes]:
        head = RequestHead("http://localhost:8000/v1/x")
        own = {"idempotency-key": "0af3", "X-One": "a"}
        others = (
            {"Idempotency-Key": "mine"},
            {"content-length": "9"},
            {"X-One": "0af3"},
            {"X-One": f"{request_head._ANY_KEY} {request_head._ANY_LENGTH}"},
            {"Idempotency-Key": request_head._ANY_KEY},
        )
        requests = [own, {**own, "idempotency-key": "key-2"}, *({**own, **one} for one in others)]
        # each twice: what is kept says the same
        return [head.request("POST", of, b"{}") for of in requests * 2]

    both = asyncio.run(written())
    first, second, own_key, own_length, like_the_key, like_places, placed_key = both[:7]
    assert both[7:] == both[:7]
    assert first.endswith(b"x-one: a\r\ncontent-length: 2\r\n\r\n{}")
    assert second == first.replace(b"0af3", b"key-2")
    assert own_key == first.replace(b"0af3", b"mine")
    assert own_length.count(b"content-length: 2\r\n") == 1
    assert like_the_key == first.replace(b"x-one: a", b"x-one: 0af3")
    places = f"{request_head._ANY_KEY} {request_head._ANY_LENGTH}".encode()
    assert like_places == first.replace(b"x-one: a", b"x-one: " + places)
    assert placed_key == first.replace(b"0af3", request_head._ANY_KEY.encode())


def test_requests_beyond_the_limit_wait_for_a_connection_that_is_given_back() -> None:
    async def ask() -> int:
        log = Log()
        server = await asyncio.start_server(log.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        transport = Transport(chat(f"http://127.0.0.1:{port}/v1", concurrency=1))
        async with asyncio.timeout(60):
            await asyncio.gather(*(transport.post("/x", b"{}", {}) for _ in range(3)))
            await transport.post("/x", b"{}", {})
        await transport.aclose()
        server.close()
        return len(log.connections)

    assert asyncio.run(ask()) == 1


def test_connections_that_wait_hold_up_no_request_to_another_address(monkeypatch) -> None:
    async def ask() -> list[int]:
        logs, servers = (Log(), Log()), []
        config = chat("http://localhost/v1", concurrency=1)
        update = {"base_url": None, "base_url_env": "SERVICE_AT"}
        transport = Transport(config.model_copy(update=update))
        for log in logs:
            servers.append(await asyncio.start_server(log.serve, "127.0.0.1", 0))
        for server in (*servers, servers[0]):
            port = server.sockets[0].getsockname()[1]
            monkeypatch.setenv("SERVICE_AT", f"http://127.0.0.1:{port}/v1")
            async with asyncio.timeout(60):
                await transport.post("/x", b"{}", {})
        await transport.aclose()
        for server in servers:
            server.close()
        return [len(log.connections) for log in logs]

    assert asyncio.run(ask()) == [1, 1]


def test_a_connection_that_waited_too_long_or_was_closed_is_not_used_again(monkeypatch) -> None:
    now = 1000.0
    monkeypatch.setattr(connections, "monotonic", lambda: now)

    async def ask() -> int:
        nonlocal now
        log = Log()
        server = await asyncio.start_server(log.serve, "127.0.0.1", 0)
        transport = Transport(chat(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
        await transport.post("/x", b"{}", {})
        now += 31.0
        await transport.post("/x", b"{}", {})
        assert transport._connections is not None
        ((idle,),) = transport._connections._idle.values()
        assert idle.connection.transport is not None
        idle.connection.transport.abort()
        await asyncio.sleep(0)
        await transport.post("/x", b"{}", {})
        now += 31.0
        transport._connections._sweep()
        assert not any(transport._connections._idle.values())
        await transport.aclose()
        server.close()
        return len(log.connections)

    assert asyncio.run(ask()) == 3
