"""The client against servers, stores and callers at their worst."""

import asyncio
import contextlib
import http.server
import json
import tempfile
import threading
import time
import unittest
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from firehose_client import Event, Firehose, FirehoseError, Gap, Login
from firehose_client._decide import after_refusal

Handler = Callable[[ServerConnection], Awaitable[None]]


def event(n: int) -> str:
    meta = {"id": f"e{n}", "cursor": f"c{n}", "account_id": "a", "ingested_at": None, "traceparent": None}
    return json.dumps({"Event-Name": "DTMF", "Call-ID": "call", "_firehose": meta})


def frame(**keys: object) -> str:
    return json.dumps({"_firehose": keys})


class Peer:
    """A server that is not a gateway: the requests that it received, and its answers to handshakes."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.at: list[float] = []
        self.refuse: Callable[[int], Response | None] = lambda n: None
        self.delay = 0.0

    async def on_request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.at.append(time.monotonic())
        await asyncio.sleep(self.delay)
        return self.refuse(len(self.at) - 1)


@contextlib.asynccontextmanager
async def peer_of(handler: Handler) -> AsyncIterator[tuple[Peer, str]]:
    peer = Peer(handler)
    server: Server = await serve(peer.handler, "127.0.0.1", 0, process_request=peer.on_request)
    try:
        yield peer, f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
    finally:
        server.close()


async def silent(connection: ServerConnection) -> None:
    await connection.wait_closed()


def client(url: str, token: Callable[[], str] = lambda: "token") -> Firehose:
    return Firehose(url, token)


@contextlib.contextmanager
def http_server(answer: Callable[[http.server.BaseHTTPRequestHandler, int], None]) -> Iterator[tuple[str, list[str]]]:
    """An HTTP server, and the requested paths."""
    asked: list[str] = []

    class Handling(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            answer(self, len(asked) - 1)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


class Callers(unittest.IsolatedAsyncioTestCase):
    async def test_several_calls_of_anext_at_once_connect_once(self) -> None:
        async def three(connection: ServerConnection) -> None:
            for n in (1, 2, 3):
                await connection.send(event(n))
            await connection.wait_closed()

        async with peer_of(three) as (peer, url), client(url) as firehose:
            stream = firehose.stream()
            items = await asyncio.gather(*(anext(stream) for _ in range(3)))
            self.assertEqual([item.id for item in items if isinstance(item, Event)], ["e1", "e2", "e3"])
            self.assertEqual(len(peer.at), 1)

    async def test_l6_a_gap_is_told_to_a_caller_that_had_stopped_waiting(self) -> None:
        async def loses(connection: ServerConnection) -> None:
            if len(peer.at) == 1:
                peer.delay = 0.4
                await connection.close(4410, '{"e":"epoch_lost"}')
            await connection.wait_closed()

        async with peer_of(loses) as (peer, url), client(url) as firehose:
            stream = firehose.stream()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(stream), 0.2)
            item = await asyncio.wait_for(anext(stream), 5)
            assert isinstance(item, Gap)
            self.assertEqual(item.reason, "epoch_lost")
            self.assertEqual(len(peer.at), 2)

    async def test_l2_a_caller_that_asks_again_and_again_connects_no_sooner(self) -> None:
        async with peer_of(silent) as (peer, url), client(url) as firehose:
            busy = Response(503, "busy", Headers({"Retry-After": "3"}), b"")
            peer.refuse = lambda n: busy
            stream = firehose.stream()
            for _ in range(20):
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(anext(stream), 0.05)
            self.assertEqual(len(peer.at), 1)

    async def test_l11_a_caller_that_waits_ends_with_the_block_whatever_it_waits_for(self) -> None:
        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        def late() -> str:
            time.sleep(8)
            return "token"

        hung = await asyncio.start_server(hang, "127.0.0.1", 0)
        hung_url = f"http://127.0.0.1:{hung.sockets[0].getsockname()[1]}"
        # Nothing listens there, so it waits for its back-off.
        cases = {"a handshake": (hung_url, lambda: "t"), "the back-off": ("http://127.0.0.1:9", lambda: "t")}
        cases["a token"] = (hung_url, late)
        for what, (url, token) in cases.items():
            async with client(url, token) as firehose:
                waiting = asyncio.ensure_future(anext(firehose.stream(), None))
                await asyncio.wait([waiting], timeout=0.7)
                begun = time.monotonic()
            self.assertIsNone(await waiting, what)
            # One second by the rule, one for the machine.
            self.assertLess(time.monotonic() - begun, 2.0, what)
        hung.close()

    async def test_l11_a_group_whose_deliveries_are_under_way_ends_too(self) -> None:
        async def gives(connection: ServerConnection) -> None:
            await connection.send(event(1))
            await connection.wait_closed()

        async with peer_of(gives) as (_, url), client(url) as firehose:
            group = firehose.group("default")
            await anext(group)
            waiting = asyncio.ensure_future(anext(group, None))
            await asyncio.sleep(0)
            await group.aclose()
            self.assertIsNone(await asyncio.wait_for(waiting, 2))


class Servers(unittest.IsolatedAsyncioTestCase):
    async def test_l2_a_replica_that_is_gone_before_the_time_of_its_drain_is_not_replaced_before(self) -> None:
        async def drains(connection: ServerConnection) -> None:
            if len(peer.at) == 1:
                await connection.send(frame(type="drain", retry_after_ms=700))
                await connection.close(1012, '{"e":"rolling_restart"}')
            else:
                await connection.send(event(1))
            await connection.wait_closed()

        async with peer_of(drains) as (peer, url), client(url) as firehose:
            begun = time.monotonic()
            await anext(firehose.stream())
            self.assertGreaterEqual(time.monotonic() - begun, 0.69)

    async def test_frames_whose_values_have_other_types_are_no_error(self) -> None:
        async def odd(connection: ServerConnection) -> None:
            metas: list[object] = [[], {"id": 5, "cursor": "c"}, {"type": 7}, {"type": "watermark", "cursor": 9}]
            for meta in metas:
                await connection.send(json.dumps({"_firehose": meta}))
            await connection.send(frame(type="snapshot_begin", cursor="x"))
            await connection.send(frame(type="call", call=None))
            await connection.send(frame(type="snapshot_end"))
            await connection.send(frame(type="drain", retry_after_ms="soon"))
            await connection.send(event(1))
            await connection.wait_closed()

        async with peer_of(odd) as (_, url), client(url) as firehose:
            item = await anext(firehose.stream())
            assert isinstance(item, Event)
            self.assertEqual(item.id, "e1")

    async def test_l7_a_message_that_is_too_long_is_cut(self) -> None:
        async def floods(connection: ServerConnection) -> None:
            with contextlib.suppress(Exception):
                await connection.send("x" * 2_000_000 if len(peer.at) == 1 else event(1))
            await connection.wait_closed()

        async with peer_of(floods) as (peer, url), client(url) as firehose:
            item = await anext(firehose.stream())
            assert isinstance(item, Event)
            self.assertEqual((item.id, len(peer.at)), ("e1", 2))

    async def test_l10_a_login_that_is_redirected_takes_the_password_nowhere(self) -> None:
        with http_server(lambda handling, n: handling.send_error(404)) as (other, asked_elsewhere):
            for status in (302, 307):

                def redirect(handling: http.server.BaseHTTPRequestHandler, n: int, status: int = status) -> None:
                    handling.send_response(status)
                    handling.send_header("Location", other)
                    handling.end_headers()

                with http_server(redirect) as (url, _):
                    async with Firehose(url, Login("admin", "secret", "admin")) as firehose:
                        with self.assertRaises(FirehoseError) as raised:
                            await anext(firehose.stream())
                self.assertEqual((raised.exception.code, raised.exception.status), ("refused", status))
            self.assertEqual(asked_elsewhere, [])

    async def test_an_answer_without_a_token_is_no_reason_to_stop(self) -> None:
        def portal(handling: http.server.BaseHTTPRequestHandler, n: int) -> None:
            handling.send_response(HTTPStatus.OK if n == 0 else HTTPStatus.FORBIDDEN)
            handling.end_headers()
            handling.wfile.write(b"<html>")

        with http_server(portal) as (url, asked):
            async with Firehose(url, Login("admin", "secret", "admin")) as firehose:
                with self.assertRaises(FirehoseError) as raised:
                    await anext(firehose.stream())
            self.assertEqual((len(asked), raised.exception.status), (2, 403))

    def test_l2_a_retry_after_that_is_no_time_to_wait_is_not_one(self) -> None:
        for header in ("-5", "1e9", "nan", "", "inf", "5.5"):
            self.assertEqual(after_refusal(503, None, header).after, 1.0, header)
        self.assertLess(after_refusal(503, None, "9" * 30).after, 2**31 / 1_000)


class Own(unittest.IsolatedAsyncioTestCase):
    async def test_a_function_for_tokens_that_fails_is_asked_again(self) -> None:
        async def gives(connection: ServerConnection) -> None:
            await connection.send(event(1))
            await connection.wait_closed()

        asked = 0

        def token() -> str:
            nonlocal asked
            asked += 1
            if asked < 3:
                raise OSError("no network")
            return "token"

        def locked() -> str:
            raise FirehoseError("login_refused", "locked")

        async with peer_of(gives) as (_, url):
            async with client(url, token) as firehose:
                self.assertIsInstance(await anext(firehose.stream()), Event)
            self.assertEqual(asked, 3)
            wrong: Callable[[], Any] = lambda: None
            for source, code in ((locked, "login_refused"), (wrong, "invalid_option")):
                async with client(url, source) as firehose:
                    with self.assertRaises(FirehoseError) as raised:
                        await anext(firehose.stream())
                self.assertEqual(raised.exception.code, code)

    async def test_l4_a_store_that_fails_ends_the_stream_with_an_error(self) -> None:
        async def floods(connection: ServerConnection) -> None:
            with contextlib.suppress(Exception):
                for n in range(10_000):
                    await connection.send(event(n))
                    await asyncio.sleep(0.01)

        class Store:
            def __init__(self, load: Callable[[], Any], save: Callable[[str], None]) -> None:
                self.load, self.save = load, save

        def fails(*_: object) -> None:
            raise OSError("disk")

        async with peer_of(floods) as (peer, url):
            for store in (Store(fails, lambda c: None), Store(lambda: 7, lambda c: None)):
                async with client(url) as firehose:
                    with self.assertRaises(FirehoseError) as raised:
                        await anext(firehose.stream(cursor_store=store))
                self.assertEqual(raised.exception.code, "cursor_store")
            self.assertEqual(peer.at, [], "no start from now")
            with self.assertRaises(FirehoseError) as raised:
                async with client(url) as firehose:
                    async for _ in firehose.stream(cursor_store=Store(lambda: None, fails)):
                        pass
            self.assertEqual(raised.exception.code, "cursor_store")

    async def test_l11_a_save_that_hangs_delays_the_end_by_a_second_and_leaves_no_other_stream_open(self) -> None:
        closed: list[int] = []

        async def gives(connection: ServerConnection) -> None:
            for n in (1, 2):
                await connection.send(event(n))
            await connection.wait_closed()
            closed.append(1)

        class Hangs:
            def load(self) -> None:
                return None

            def save(self, cursor: str) -> None:
                time.sleep(20)

        async with peer_of(gives) as (_, url):
            begun = 0.0
            with self.assertRaises(FirehoseError) as raised:
                async with client(url) as firehose:
                    first, second = firehose.stream(cursor_store=Hangs()), firehose.stream()
                    for stream in (first, second):
                        await anext(stream)
                        await anext(stream)
                    begun = time.monotonic()
            self.assertEqual(raised.exception.code, "cursor_store")
            # One second by the rule, one for the machine.
            self.assertLess(time.monotonic() - begun, 2.5)
            for _ in range(100):
                if len(closed) == 2:
                    break
                await asyncio.sleep(0.02)
            self.assertEqual(len(closed), 2)

    def test_a_wrong_place_or_authority_is_named_at_once(self) -> None:
        for url in ("https://gateway/prefix", "https://gateway/?a=1", "https://user:word@gateway", "ftp://gateway"):
            with self.assertRaises(FirehoseError) as raised:
                Firehose(url, Login("a", "b", "c"))
            self.assertIn("url", str(raised.exception))
        with tempfile.TemporaryDirectory() as folder:
            wrong = Path(folder, "ca.crt")
            wrong.write_text("not a certificate")
            for path in (wrong, Path(folder, "missing")):
                with self.assertRaises(FirehoseError) as raised:
                    Firehose("https://gateway", Login("a", "b", "c"), ca=path)
                self.assertEqual(raised.exception.code, "invalid_option")


if __name__ == "__main__":
    unittest.main()
