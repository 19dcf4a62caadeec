"""Events in order, over any number of connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

from ._decide import RecentIds
from ._errors import FirehoseError
from ._items import Event, Frame, Gap, Snapshot, gap_of
from ._keeper import CursorKeeper
from ._session import Session

OnGap = Literal["clamp", "fail", "snapshot"]


class Stream(AsyncIterator[Event | Gap | Snapshot]):
    """The cursor of an item is kept when the next item is requested: an unfinished item is sent again."""

    def __init__(self, session: Session, keeper: CursorKeeper, on_gap: OnGap, ended: Callable[[], None]) -> None:
        self._session = session
        self._keeper = keeper
        self._on_gap = on_gap
        self._ended = ended
        self._recent = RecentIds()
        self._handling: str | None = None
        self._is_loaded = False
        #: Two callers at once would both connect.
        self._turns = asyncio.Lock()
        #: A snapshot that is not complete.
        self._coming: tuple[str, list[dict[str, Any]]] | None = None

    async def __anext__(self) -> Event | Gap | Snapshot:
        async with self._turns:
            try:
                item = await self._following()
            except FirehoseError:
                # Keeps the cursor of handled items nevertheless. The first failure counts.
                with contextlib.suppress(FirehoseError):
                    await self.aclose()
                raise
        if item is None:
            await self.aclose()
            raise StopAsyncIteration
        return item

    async def _following(self) -> Event | Gap | Snapshot | None:
        if self._handling is not None:
            cursor, self._handling = self._handling, None
            self._keeper.keep(cursor)
        if not self._is_loaded and not self._session.is_stopped:
            self._session.cursor = await self._keeper.load()
            self._is_loaded = True
        while True:
            arrival = await self._session.next()
            if isinstance(arrival, Event):
                if arrival.id in self._recent:
                    continue
                self._recent.add(arrival.id)
                self._handling = arrival.cursor
                return arrival
            if arrival is None:
                return None
            gap = arrival if isinstance(arrival, Gap) else gap_of(arrival)
            if gap is not None:
                if self._on_gap == "fail":
                    raise FirehoseError("gap", f"events were lost: {gap.reason}", reason=gap.reason)
                return gap
            if isinstance(arrival, dict):
                # The caller handles no item: everything before this position is handled.
                if arrival["type"] == "watermark" and isinstance(arrival.get("cursor"), str):
                    self._keeper.keep(arrival["cursor"])
                snapshot = self._of_snapshot(arrival)
                if snapshot is not None:
                    self._handling = snapshot.cursor
                    return snapshot

    async def ask_for_snapshot(self) -> None:
        """Requests the live calls, which arrive as an item. The gateway sends them at most once in ten seconds."""
        await self._session.send({"snapshot": "calls"})

    def _of_snapshot(self, frame: Frame) -> Snapshot | None:
        """The snapshot once it is complete: one that is cut off is not returned (L13)."""
        kind = frame["type"]
        if kind == "hello":
            self._coming = None
        elif kind == "snapshot_begin":
            self._coming = (frame.get("reason", ""), [])
        elif kind == "call" and self._coming is not None and isinstance(frame.get("call"), dict):
            self._coming[1].append(frame["call"])
        elif kind == "snapshot_end" and self._coming is not None and isinstance(frame.get("cursor"), str):
            (reason, calls), self._coming = self._coming, None
            return Snapshot(reason, frame["cursor"], calls)
        return None

    async def aclose(self) -> None:
        """Ends the connection, without keeping the item that the caller handles."""
        self._ended()
        await self._session.close()
        await self._keeper.flush()
