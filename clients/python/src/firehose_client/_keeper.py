"""Saves cursors, one at a time."""

from __future__ import annotations

import asyncio

from ._errors import FirehoseError
from .cursor import CursorStore


class CursorKeeper:
    """One save at a time; what is handled meanwhile is saved by the next one."""

    def __init__(self, store: CursorStore) -> None:
        self._store = store
        self._wanted: str | None = None
        self._saved: str | None = None
        self._saving: asyncio.Task[None] | None = None

    async def load(self) -> str | None:
        try:
            self._saved = await asyncio.to_thread(self._store.load)
        except Exception as cause:
            raise FirehoseError(
                "cursor_store", "the cursor cannot be read: fix or remove what the store holds"
            ) from cause
        return self._saved

    def keep(self, cursor: str) -> None:
        """Raises the failure of an earlier save."""
        self._wanted = cursor
        if self._saving is None:
            self._saving = asyncio.create_task(self._save_all())
        elif self._saving.done():
            self._saving.result()
            self._saving = asyncio.create_task(self._save_all())

    async def flush(self) -> None:
        """Returns once the last cursor is saved; raises when that failed."""
        if self._saving is not None:
            await self._saving

    async def _save_all(self) -> None:
        while self._wanted is not None and self._wanted != self._saved:
            cursor = self._wanted
            try:
                await asyncio.to_thread(self._store.save, cursor)
            except Exception as cause:
                raise FirehoseError("cursor_store", "the cursor cannot be saved") from cause
            self._saved = cursor
