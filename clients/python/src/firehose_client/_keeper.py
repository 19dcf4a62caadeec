"""Saves cursors, one at a time."""

from __future__ import annotations

import asyncio

from ._errors import FirehoseError
from ._waits import in_thread
from .cursor import CursorStore

#: Limit for one load or save: a store that hangs would let the cursor fall behind without bound.
_LIMIT_SECONDS = 30.0
#: Limit for the last save, once the caller has ended the stream (L11).
_LAST_SAVE_SECONDS = 1.0


class CursorKeeper:
    """One save at a time; the next save covers everything that is handled meanwhile. Without a store it does nothing."""

    def __init__(self, store: CursorStore | None) -> None:
        self._store = store
        self._wanted: str | None = None
        self._saved: str | None = None
        self._saving: asyncio.Task[None] | None = None
        self._failure: FirehoseError | None = None

    async def load(self) -> str | None:
        if self._store is None:
            return None
        try:
            found: object = await in_thread(self._store.load, _LIMIT_SECONDS)
            if found is not None and not isinstance(found, str):
                raise TypeError("not a text")
        except Exception as cause:
            raise FirehoseError(
                "cursor_store", "the cursor cannot be read: fix or remove what the store holds"
            ) from cause
        self._saved = found
        return found

    def keep(self, cursor: str) -> None:
        """Raises the failure of an earlier save."""
        if self._failure is not None:
            raise self._failure
        if self._store is None:
            return
        self._wanted = cursor
        if self._saving is None or self._saving.done():
            self._saving = asyncio.create_task(self._save_all(self._store))

    async def flush(self) -> None:
        """Returns once the last cursor is saved; raises when that failed, or takes longer than a second."""
        if self._saving is not None:
            _, late = await asyncio.wait({self._saving}, timeout=_LAST_SAVE_SECONDS)
            if late:
                self._saving.cancel()
                self._failure = FirehoseError("cursor_store", "the cursor was not saved in time")
        if self._failure is not None:
            raise self._failure

    async def _save_all(self, store: CursorStore) -> None:
        while self._wanted is not None and self._wanted != self._saved:
            cursor = self._wanted
            try:
                await in_thread(lambda: store.save(cursor), _LIMIT_SECONDS)
            except Exception as cause:
                self._failure = FirehoseError("cursor_store", "the cursor cannot be saved")
                self._failure.__cause__ = cause
                return
            self._saved = cursor
