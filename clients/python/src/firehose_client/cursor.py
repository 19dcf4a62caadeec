"""Stores of the cursor of the last handled event."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Protocol

_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,2048}")


class CursorStore(Protocol):
    """``save`` must be atomic: the store has the new cursor, or the previous one. Both may block: they run in a thread."""

    def load(self) -> str | None:
        """None when there is none yet. Raises when it cannot be read: the stream then fails, and never begins at the present."""

    def save(self, cursor: str) -> None: ...


class MemoryCursor:
    """Keeps the cursor in memory: it ends with the process."""

    def __init__(self) -> None:
        self._cursor: str | None = None

    def load(self) -> str | None:
        return self._cursor

    def save(self, cursor: str) -> None:
        self._cursor = cursor


class FileCursor:
    """Keeps the cursor in a file. A new file is written beside it and renamed, so that a crash leaves the new cursor or the previous one."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def load(self) -> str | None:
        try:
            text = self._path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        if _CURSOR.fullmatch(text) is None:
            raise ValueError(f"{self._path} holds no cursor")
        return text

    def save(self, cursor: str) -> None:
        draft = self._path.with_name(f"{self._path.name}.new")
        with open(draft, "w", encoding="utf-8") as file:
            file.write(cursor)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self._path)
