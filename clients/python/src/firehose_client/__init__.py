"""Receives the call events of a Firehose. It follows the rules in SPEC.md of the project."""

from ._call_event import CallEvent, EventName
from ._calls import Change, LiveCalls
from ._client import Firehose
from ._errors import FirehoseError
from ._group import Delivery
from ._items import Event, Gap, Snapshot
from ._tokens import Login
from .cursor import CursorStore, FileCursor, MemoryCursor

__all__ = [
    "CallEvent",
    "Change",
    "CursorStore",
    "Delivery",
    "Event",
    "EventName",
    "FileCursor",
    "Firehose",
    "FirehoseError",
    "Gap",
    "LiveCalls",
    "Login",
    "MemoryCursor",
    "Snapshot",
]
