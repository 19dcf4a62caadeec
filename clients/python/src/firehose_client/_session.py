"""Presents consecutive connections as one."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import urllib.parse
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from ._decide import BackOff, Verdict, after_close, after_refusal
from ._errors import FirehoseError, untrusted
from ._items import Event, Frame, Gap, place_of, read_message
from ._tokens import Tokens
from ._waits import asked_seconds

_STREAM_PATH = "/ws/v1/firehose/callEvents"
_OPEN_SECONDS = 15
#: Most messages that wait for the consumer; reading continues below the second number (L7).
_WAITING = (1_000, 500)
#: An event has 64 KiB at most: a longer message never comes from a gateway, and would fill the memory.
_MOST_BYTES = 1_048_576
#: Together 60 s: a peer that answers no ping is cut (L8).
_PING_SECONDS, _PONG_SECONDS = 20, 40

Arrival = Event | Frame | Gap


class Session:
    def __init__(
        self,
        url: str,
        tokens: Tokens,
        query: Callable[[str | None], Mapping[str, str]],
        *,
        trust: ssl.SSLContext | None,
        may_overlap: bool,
        log: Callable[[str], None],
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._place = f"{scheme}://{parts.netloc}{_STREAM_PATH}"
        self._trust = trust if scheme == "wss" else None
        self._tokens = tokens
        self._query = query
        self._may_overlap = may_overlap
        self._log = log
        self._back_off = BackOff()
        self._socket: ClientConnection | None = None
        self._successor: ClientConnection | None = None
        self._opened_at = 0.0
        #: No connection is made before these times: the end of the back-off, and the time that a draining replica has named (L2).
        self._next_at = 0.0
        self._drained_until = 0.0
        #: The connection that is being opened. A caller that stops waiting and calls again gets the same one.
        self._connecting: asyncio.Task[None] | None = None
        #: Reported to the caller once a new connection is in use, even after it had stopped waiting (L6).
        self._gap: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        #: The last received position.
        self.cursor: str | None = None
        #: Called when a new connection is in use.
        self.on_connected: Callable[[], None] = lambda: None

    @property
    def is_stopped(self) -> bool:
        return self._stop.is_set()

    async def next(self) -> Arrival | None:
        """The next arrival; None once the session has ended. Raises a FirehoseError when it cannot continue."""
        while not self._stop.is_set():
            if self._socket is None:
                await self._connected()
                continue
            if self._gap is not None:
                reason, self._gap = self._gap, None
                return Gap(reason, self.cursor)
            try:
                text = await self._socket.recv()
            except ConnectionClosed as closed:
                self._after_end(closed)
                continue
            message = read_message(text)
            if message is None:
                continue
            self.cursor = place_of(message, self.cursor is not None) or self.cursor
            if not isinstance(message, Event):
                self._on_frame(message)
            return message
        return None

    async def send(self, frame: dict[str, Any]) -> None:
        """Does nothing when there is no connection: the gateway delivers the event again."""
        if self._socket is None:
            return
        try:
            await self._socket.send(json.dumps(frame))
        except ConnectionClosed:
            pass

    async def close(self) -> None:
        """Ends everything within a second (L11)."""
        self._stop.set()
        for task in self._tasks:
            task.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting}, timeout=0.5)
        sockets = [socket for socket in (self._socket, self._successor) if socket is not None]
        self._socket = self._successor = None
        await asyncio.gather(*(socket.close() for socket in sockets))

    async def _connected(self) -> None:
        """Returns once a connection is in use, or the session is closed."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
        connecting, stop = self._connecting, asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({connecting, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
        if connecting.done() and not self._stop.is_set():
            self._connecting = None
            connecting.result()

    def _after_end(self, closed: ConnectionClosed) -> None:
        self._back_off.lived(time.monotonic() - self._opened_at)
        self._socket = None
        if self._stop.is_set():
            return
        if self._successor is not None:
            return self._use(self._successor)
        code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd is not None else (1006, "")
        verdict = after_close(code, reason)
        if verdict.kind == "done":
            return self._stop.set()
        if verdict.kind == "stop":
            raise FirehoseError(
                "refused",
                f"the gateway closed with {code} {verdict.reason or ''}".strip(),
                reason=verdict.reason,
                status=code,
            )
        if verdict.kind == "login":
            self._tokens.refused()
        if verdict.kind == "gap":
            self._gap = verdict.reason or ""
        self._log(f"closed with {code}: connecting again")
        self._next_at = time.monotonic() + self._back_off.next()

    async def _connect(self) -> None:
        while True:
            await asyncio.sleep(max(self._next_at, self._drained_until) - time.monotonic())
            opened = await self._open()
            if isinstance(opened, ClientConnection):
                return self._use(opened)
            self._next_at = time.monotonic() + self._back_off.next(opened)

    async def _open(self) -> ClientConnection | float:
        """Shortest wait in seconds when there is no connection now."""
        token = await self._tokens.get()
        if isinstance(token, Verdict):
            self._log("no token: logging in again")
            return token.after
        query = {"v": "1", "refusals": "close", **self._query(self.cursor)}
        try:
            return await connect(
                f"{self._place}?{urllib.parse.urlencode(query)}",
                ssl=self._trust,
                additional_headers={"Authorization": f"Bearer {token}"},
                open_timeout=_OPEN_SECONDS,
                ping_interval=_PING_SECONDS,
                ping_timeout=_PONG_SECONDS,
                close_timeout=0.5,
                max_size=_MOST_BYTES,
                max_queue=_WAITING,
            )
        except ssl.SSLCertVerificationError:
            raise untrusted() from None
        except InvalidStatus as refusal:
            answer = refusal.response
            verdict = after_refusal(answer.status_code, None, answer.headers.get("Retry-After"))
            if verdict.kind == "stop":
                raise FirehoseError(
                    "refused", f"the gateway answered {answer.status_code}", status=answer.status_code
                ) from None
            if verdict.kind == "login":
                self._tokens.refused()
            return verdict.after
        except (OSError, TimeoutError, InvalidHandshake):
            self._log("no connection: trying again")
            return 0.0

    def _use(self, socket: ClientConnection) -> None:
        self._socket, self._successor = socket, None
        self._opened_at = time.monotonic()
        self.on_connected()

    def _on_frame(self, frame: Frame) -> None:
        kind = frame["type"]
        if kind == "hello":
            self._tokens.taken()
        elif kind == "token_expiring":
            self._in_background(self._renew())
        elif kind == "drain" and self._socket is not None:
            after = asked_seconds(frame.get("retry_after_ms"))
            # Applies even when the replica is gone before that: all its clients at once would be a storm.
            self._drained_until = time.monotonic() + after
            self._in_background(self._move(self._socket, after))

    async def _renew(self) -> None:
        # When renewal fails, the gateway closes with 4401 in time, and the next connection logs in.
        token = await self._tokens.renew()
        if token is not None:
            await self.send({"auth": token})

    async def _move(self, former: ClientConnection, after: float) -> None:
        """Moves from a draining replica to another one (L9)."""
        await asyncio.sleep(after)
        if former is not self._socket:
            return
        if not self._may_overlap:
            await former.close()
        elif self._connecting is None or self._connecting.done():
            # The connection that is being opened: if the former one ends meanwhile, no second one is opened.
            self._connecting = asyncio.create_task(self._succeed(former))

    async def _succeed(self, former: ClientConnection) -> None:
        try:
            opened = await self._open()
        except FirehoseError:
            # The next connection gets the same fault, and raises it to the caller.
            opened = 0.0
        if former is self._socket:
            if isinstance(opened, ClientConnection):
                self._successor = opened
            # Its remaining messages arrive again on the next connection, after the cursor.
            await former.close()
        elif isinstance(opened, ClientConnection):
            self._use(opened)
        else:
            await self._connect()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # The connection that is in use gets the same fault, and raises it to the caller.
            self._log("a connection could not be moved or renewed")
