"""Receives the call events of a Firehose. The rules that it holds are in SPEC.md of the project."""

from ._calls import Change, LiveCalls
from ._client import Firehose
from ._errors import FirehoseError
from ._group import Delivery
from ._items import Event, Gap, Snapshot
from ._tokens import Login
from .cursor import CursorStore, FileCursor, MemoryCursor

__all__ = [
    "Change",
    "CursorStore",
    "Delivery",
    "Event",
    "FileCursor",
    "Firehose",
    "FirehoseError",
    "Gap",
    "LiveCalls",
    "Login",
    "MemoryCursor",
    "Snapshot",
]
