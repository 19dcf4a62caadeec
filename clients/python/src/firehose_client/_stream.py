"""Events in order, over any number of connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Literal

from ._decide import RecentIds
from ._errors import FirehoseError
from ._items import Event, Gap, gap_of
from ._keeper import CursorKeeper
from ._session import Session

OnGap = Literal["clamp", "fail"]


class Stream(AsyncIterator[Event | Gap]):
    """The cursor of an item is kept when the next item is asked for: what the body did not finish comes again."""

    def __init__(self, session: Session, keeper: CursorKeeper, on_gap: OnGap, ended: Callable[[], None]) -> None:
        self._session = session
        self._keeper = keeper
        self._on_gap = on_gap
        self._ended = ended
        self._recent = RecentIds()
        self._handling: str | None = None
        self._is_loaded = False

    async def __anext__(self) -> Event | Gap:
        if self._handling is not None:
            self._keeper.keep(self._handling)
            self._handling = None
        if not self._is_loaded:
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
                await self.aclose()
                raise StopAsyncIteration
            gap = arrival if isinstance(arrival, Gap) else gap_of(arrival)
            if gap is not None:
                return await self._tell(gap)
            # Nothing is under way: everything before this place is handled.
            if isinstance(arrival, dict) and arrival["type"] == "watermark" and arrival.get("cursor"):
                self._keeper.keep(arrival["cursor"])

    async def aclose(self) -> None:
        """Ends the connection. The item that the caller works on is not kept."""
        await self._session.close()
        self._ended()
        await self._keeper.flush()

    async def _tell(self, gap: Gap) -> Gap:
        if self._on_gap == "clamp":
            return gap
        await self.aclose()
        raise FirehoseError("gap", f"events were lost: {gap.reason}", reason=gap.reason)
