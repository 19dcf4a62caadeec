"""Waits with a limit: blocking calls run in a thread, and a process does not wait for that thread at its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_LONGEST_SECONDS = 2_147_483.0


async def in_thread(work: Callable[[], T], limit: float) -> T:
    """Raises ``asyncio.TimeoutError`` after ``limit`` seconds; the thread is then left alone."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(how: Callable[[Any], None], value: object) -> None:
        if not future.done():
            how(value)

    def run() -> None:
        outcome: tuple[Callable[[Any], None], object]
        try:
            outcome = future.set_result, work()
        except BaseException as error:
            outcome = future.set_exception, error
        try:
            loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:
            # The loop has ended: nothing waits any more.
            pass

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wait_for(future, limit)


def asked_seconds(milliseconds: object) -> float:
    """Seconds that the other side requested; 0 for an invalid time. Pure."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
        return 0.0
    return min(max(milliseconds / 1_000, 0.0), _LONGEST_SECONDS) if milliseconds == milliseconds else 0.0
