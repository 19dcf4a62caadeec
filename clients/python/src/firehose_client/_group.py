"""Deliveries of a durable group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from ._decide import RecentIds
from ._errors import FirehoseError
from ._items import Event, Gap, gap_of
from ._session import Session


class Delivery:
    """An event of a group. It is delivered again until ``ack`` or ``term`` is called."""

    __slots__ = ("_finish", "account", "attempt", "event", "id", "ingested_at")

    def __init__(self, item: Event, finish: Callable[[Delivery, dict[str, Any], bool], Any]) -> None:
        self.event = item.event
        self.id = item.id
        self.account = item.account
        #: RFC 3339 with microseconds.
        self.ingested_at = item.ingested_at
        #: 1 for the first delivery.
        self.attempt = item.attempt
        self._finish = finish

    async def ack(self) -> None:
        """Handled: it is not delivered again."""
        await self._finish(self, {"ack": [self.id]}, True)

    async def nack(self, delay: float | None = None) -> None:
        """Failed: it is delivered again, after this many seconds instead of the group's back-off."""
        frame: dict[str, Any] = {"nack": self.id}
        if delay is not None:
            frame["delay_ms"] = round(delay * 1_000)
        await self._finish(self, frame, False)

    async def term(self, reason: str | None = None) -> None:
        """It can never be handled: it becomes a dead letter."""
        await self._finish(self, {"term": self.id, **({"reason": reason[:256]} if reason else {})}, True)


class Group(AsyncIterator[Delivery | Gap]):
    """Handles at most ``concurrency`` deliveries at a time. Meanwhile, it asks the gateway for more time for them (L12)."""

    def __init__(self, session: Session, *, concurrency: int, progress: float, ended: Callable[[], None]) -> None:
        self._session = session
        self._concurrency = concurrency
        self._progress_seconds = progress
        self._ended = ended
        self._under_way: dict[str, Delivery] = {}
        self._acknowledged = RecentIds()
        self._freed = asyncio.Event()
        self._progress: asyncio.Task[None] | None = None
        #: Two callers at once would both connect.
        self._turns = asyncio.Lock()
        # The gateway delivers the former connection's unacknowledged events again on the next one.
        session.on_connected = self._forget_all

    async def __anext__(self) -> Delivery | Gap:
        async with self._turns:
            try:
                item = await self._following()
            except FirehoseError:
                await self.aclose()
                raise
        if item is None:
            await self.aclose()
            raise StopAsyncIteration
        return item

    async def _following(self) -> Delivery | Gap | None:
        if self._progress is None and not self._session.is_stopped:
            self._progress = asyncio.create_task(self._ask_for_time())
        while True:
            while len(self._under_way) >= self._concurrency and not self._session.is_stopped:
                self._freed.clear()
                await self._freed.wait()
            arrival = await self._session.next()
            if arrival is None:
                return None
            if isinstance(arrival, Gap):
                return arrival
            if isinstance(arrival, dict):
                gap = gap_of(arrival)
                if gap is not None:
                    return gap
            elif arrival.id in self._acknowledged:
                await self._session.send({"ack": [arrival.id]})
            else:
                delivery = Delivery(arrival, self._finish)
                self._under_way[delivery.id] = delivery
                return delivery

    async def aclose(self) -> None:
        """Ends the connection. Unacknowledged events go to other members."""
        if self._progress is not None:
            self._progress.cancel()
        self._ended()
        await self._session.close()
        self._freed.set()

    async def _finish(self, delivery: Delivery, frame: dict[str, Any], is_settled: bool) -> None:
        if is_settled:
            self._acknowledged.add(delivery.id)
        if self._under_way.get(delivery.id) is delivery:
            del self._under_way[delivery.id]
            await self._session.send(frame)
        self._freed.set()

    async def _ask_for_time(self) -> None:
        while True:
            await asyncio.sleep(self._progress_seconds)
            for item in list(self._under_way):
                await self._session.send({"progress": item})

    def _forget_all(self) -> None:
        self._under_way.clear()
        self._freed.set()
