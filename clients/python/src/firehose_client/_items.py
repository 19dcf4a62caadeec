"""Reads the messages of the control contract. Pure."""

from __future__ import annotations

import json
from typing import Any

from ._call_event import CallEvent


class Event:
    """A call event with the gateway's metadata."""

    __slots__ = ("account", "attempt", "cursor", "event", "id", "ingested_at")

    def __init__(self, event: CallEvent, meta: dict[str, Any]) -> None:
        self.event = event
        #: Stable: every redelivery of an event has the same id.
        self.id: str = meta["id"]
        #: Cursor that continues after this event.
        self.cursor: str = meta["cursor"]
        #: Account id; None when the gateway does not know it.
        self.account: str | None = meta["account_id"]
        #: RFC 3339 with microseconds.
        self.ingested_at: str | None = meta["ingested_at"]
        #: In a group: the number of this delivery, from 1.
        self.attempt: int = meta.get("attempt", 1)

    def __repr__(self) -> str:
        return f"Event(id={self.id!r}, name={self.event.get('Event-Name')!r})"


class Gap:
    """Events were lost: read the present state from another place."""

    __slots__ = ("missed", "reason", "requested")

    def __init__(self, reason: str, requested: str | None = None, missed: int | None = None) -> None:
        #: For example ``cursor_too_old``, ``epoch_lost``, ``trimmed``, ``source_gap``.
        self.reason = reason
        #: The requested cursor or time.
        self.requested = requested
        #: Entries of all accounts; None when unknown.
        self.missed = missed

    def __repr__(self) -> str:
        return f"Gap(reason={self.reason!r}, missed={self.missed!r})"


class Snapshot:
    """The live calls at one position of the stream: the items after it follow that position."""

    __slots__ = ("calls", "cursor", "reason")

    def __init__(self, reason: str, cursor: str, calls: list[dict[str, Any]]) -> None:
        #: ``join``; ``gap``: events were lost before it; ``asked``.
        self.reason = reason
        #: Cursor that continues after it.
        self.cursor = cursor
        #: The keys of each are in docs/live-calls.md.
        self.calls = calls

    def __repr__(self) -> str:
        return f"Snapshot(reason={self.reason!r}, {len(self.calls)} calls)"


Frame = dict[str, Any]
Message = Event | Frame | None


def read_message(text: str | bytes) -> Message:
    """An event, a control frame, or None for a message that is not part of the control contract."""
    try:
        value = json.loads(text)
        meta = value.pop("_firehose")
        if "type" in meta:
            return meta if isinstance(meta["type"], str) else None
        event = Event(value, meta)
        return event if isinstance(event.id, str) and isinstance(event.cursor, str) else None
    except (ValueError, AttributeError, KeyError, TypeError):
        return None


def place_of(message: Event | Frame, is_known: bool) -> str | None:
    """The cursor of the position after a message; None when it has none."""
    if isinstance(message, Event):
        return message.cursor
    cursor = message.get("cursor")
    # Only from the first hello: the gap after a later one still reports what it skips. A snapshot counts once it
    # is complete (L13).
    if not isinstance(cursor, str) or message["type"] == "snapshot_begin" or (message["type"] == "hello" and is_known):
        return None
    return cursor


def gap_of(frame: Frame) -> Gap | None:
    """The gap in a control frame; None for other frames."""
    kind = frame["type"]
    if kind == "source_gap":
        return Gap("source_gap")
    if kind != "gap":
        return None
    return Gap(frame.get("reason", ""), frame.get("requested"), frame.get("missed"))
