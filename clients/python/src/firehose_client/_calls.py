"""The live calls, from a snapshot and the events after it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

from ._call_event import CallEvent
from ._call_state import Call, Leg, reduce_call
from ._decide import RecentIds
from ._items import Event, Gap, Snapshot
from ._stream import Stream


class Change:
    """A change of the live calls.

    ``kind``: ``snapshot``, the table is new, read it as a whole (``reason``: join, gap or asked); ``began``;
    ``changed`` (``before`` is what it was); ``ended`` (``event`` is its CHANNEL_DESTROY).
    """

    __slots__ = ("before", "call", "event", "kind", "reason")

    def __init__(
        self,
        kind: Literal["snapshot", "began", "changed", "ended"],
        *,
        call: Call | None = None,
        before: Call | None = None,
        event: CallEvent | None = None,
        reason: str | None = None,
    ) -> None:
        self.kind: Literal["snapshot", "began", "changed", "ended"] = kind
        self.call = call
        self.before = before
        self.event = event
        self.reason = reason

    def __repr__(self) -> str:
        return f"Change({self.kind!r}, {self.call!r})"


class LiveCalls(AsyncIterator[Change | Gap]):
    """The table changes during the iteration: it has the state of the last returned change.

    Heals by itself: after a cut it resumes, after a gap a snapshot comes. Iterating over ``values()`` gives the calls.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._legs: dict[tuple[str, str], Leg] = {}
        #: Ended by the platform, not by the switch: later events of the switch do not revive them.
        self._ended_for_it = RecentIds()
        #: False before the first snapshot, and between a gap and the snapshot after it.
        self.is_current = False

    def __len__(self) -> int:
        return len(self._legs)

    def get(self, account: str, call_id: str) -> Call | None:
        leg = self._legs.get((account, call_id))
        return None if leg is None else leg.call

    def values(self) -> Iterator[Call]:
        return (leg.call for leg in self._legs.values())

    async def refresh(self) -> None:
        """Requests a snapshot. The gateway sends at most one in ten seconds."""
        await self._stream.ask_for_snapshot()

    async def aclose(self) -> None:
        """Ends the connection."""
        await self._stream.aclose()

    async def __anext__(self) -> Change | Gap:
        while True:
            item = await self._stream.__anext__()
            if isinstance(item, Gap):
                self.is_current = self.is_current and item.reason == "source_gap"
                return item
            if isinstance(item, Snapshot):
                self._legs = {(call["account_id"], call["call_id"]): Leg(call) for call in item.calls}
                self.is_current = True
                return Change("snapshot", reason=item.reason)
            change = self._take(item)
            if change is not None:
                return change

    def _take(self, item: Event) -> Change | None:
        call_id = item.event.get("Call-ID")
        if item.account is None or not isinstance(call_id, str):
            return None
        key = (item.account, call_id)
        before = self._legs.get(key)
        if before is None and "\t".join(key) in self._ended_for_it:
            return None
        after, is_change = reduce_call(before, item)
        if not is_change:
            return None
        if after is not None:
            self._legs[key] = after
            if before is None:
                return Change("began", call=after.call)
            return Change("changed", call=after.call, before=before.call)
        del self._legs[key]
        if "Firehose-Synthetic" in item.event:
            self._ended_for_it.add("\t".join(key))
        return Change("ended", call=before.call if before else None, event=item.event)
