"""The public client."""

from __future__ import annotations

import asyncio
import os
import ssl
import urllib.parse
from collections.abc import Callable, Sequence
from types import TracebackType

from ._calls import LiveCalls
from ._errors import FirehoseError
from ._group import Group
from ._keeper import CursorKeeper
from ._session import Session
from ._stream import OnGap, Stream
from ._tokens import Login, Tokens, TokenSource
from .cursor import CursorStore

_PROGRESS_SECONDS = 15.0


class Firehose:
    """A client of one gateway. Each stream and group has a connection of its own.

    ``login`` may be a function that gets a token in another way, within 15 s; it may block, and runs in a thread. When it
    raises, it is asked again after the back-off; to stop the stream it raises a FirehoseError.
    ``accounts`` and ``events`` narrow what is seen; all that the login may see when not given. ``ca`` is a file with the
    authority of the gateway's certificate. ``log`` gets a line for each reconnect, never with a token.
    """

    def __init__(
        self,
        url: str,
        login: Login | TokenSource,
        *,
        accounts: Sequence[str] | None = None,
        events: Sequence[str] | None = None,
        ca: str | os.PathLike[str] | None = None,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        faults = [] if _is_origin(url) else ["url: must be as https://host:9443, without a path"]
        scope = {name: list(value) for name, value in (("accounts", accounts), ("events", events)) if value is not None}
        faults += [
            f"{name}: an empty list sees nothing; leave it out for all" for name, value in scope.items() if not value
        ]
        if scope and not isinstance(login, Login):
            faults.append("accounts, events: belong to a login; a token has its own")
        if faults:
            raise FirehoseError("invalid_option", "; ".join(faults))
        self._url, self._login, self._scope, self._log = url, login, scope, log
        self._trust = _trust(ca) if url.startswith("https://") else None
        self._open: set[Stream | Group] = set()

    async def __aenter__(self) -> Firehose:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Ends all of them, even when one cannot save its cursor.
        for failure in await asyncio.gather(*(one.aclose() for one in list(self._open)), return_exceptions=True):
            if isinstance(failure, BaseException) and error is None:
                raise failure

    def stream(
        self,
        *,
        cursor_store: CursorStore | None = None,
        start: str | None = None,
        end: str | None = None,
        on_gap: OnGap | None = None,
        snapshot: bool = False,
    ) -> Stream:
        """Events of the login's scope.

        ``start`` and ``end``: where to begin without a cursor, and where to end: RFC 3339, or ``-15m``. ``snapshot``:
        begins with the live calls. ``on_gap``: ``clamp`` (default), a gap is an item, and the stream continues;
        ``fail``, it is an error with the code ``gap``; ``snapshot`` (default with ``snapshot``), the live calls follow it.
        """
        faults = ["start, end: a snapshot is of now; leave them out"] if snapshot and (start or end) else []
        faults += ["on_gap: with a snapshot it is snapshot"] if snapshot and on_gap not in (None, "snapshot") else []
        if faults:
            raise FirehoseError("invalid_option", "; ".join(faults))
        chosen: OnGap = on_gap or ("snapshot" if snapshot else "clamp")
        calls = {"snapshot": "calls"} if snapshot else {}

        def query(cursor: str | None) -> dict[str, str]:
            begin = {"cursor": cursor} if cursor is not None else {"from": start} if start is not None else {}
            return {"on_gap": chosen, **calls, **begin, **({"to": end} if end is not None else {})}

        session = self._session(query, may_overlap=end is None)
        keeper = CursorKeeper(cursor_store)
        stream = Stream(session, keeper, chosen, lambda: self._open.discard(stream))
        self._open.add(stream)
        return stream

    def calls(self) -> LiveCalls:
        """The live calls: a table that recovers by itself, and its changes."""
        return LiveCalls(self.stream(snapshot=True))

    def group(
        self, name: str, *, concurrency: int = 1, progress: float = _PROGRESS_SECONDS, regroup: bool = False
    ) -> Group:
        """Deliveries of a durable group, whose position the gateway keeps.

        ``progress``: seconds after which a delivery under way asks for more time; half of the group's ``ackWait``.
        """
        if concurrency < 1:
            raise FirehoseError("invalid_option", "concurrency: a whole number from 1")
        query = {"group": name, **({"regroup": "true"} if regroup else {})}
        session = self._session(lambda cursor: query, may_overlap=False)
        group = Group(session, concurrency=concurrency, progress=progress, ended=lambda: self._open.discard(group))
        self._open.add(group)
        return group

    def _session(self, query: Callable[[str | None], dict[str, str]], *, may_overlap: bool) -> Session:
        tokens = Tokens(self._url, self._login, dict(self._scope), self._trust)
        return Session(self._url, tokens, query, trust=self._trust, may_overlap=may_overlap, log=self._log)


def _is_origin(url: str) -> bool:
    parts = urllib.parse.urlsplit(url)
    is_http = parts.scheme in ("http", "https") and parts.hostname is not None
    return is_http and parts.path in ("", "/") and not parts.query and not parts.fragment and "@" not in parts.netloc


def _trust(ca: str | os.PathLike[str] | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as cause:
        raise FirehoseError("invalid_option", "ca: must be a file with a certificate as PEM") from cause
