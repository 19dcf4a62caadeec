"""What to do after a connection or a login has ended, and when. Pure."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from ._waits import asked_seconds

_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 30.0
_STABLE_SECONDS = 10.0
_DEFAULT_RETRY_SECONDS = 1.0


class Verdict(NamedTuple):
    kind: Literal["again", "login", "gap", "done", "stop"]
    reason: str | None = None
    after: float = 0.0


def after_close(code: int, reason: str) -> Verdict:
    """``reason`` is the text of the close frame: JSON with ``e``, or empty."""
    word = _word_of(reason)
    # A proxy may also send 1000: that does not end the stream.
    if code == 1000 and word == "replay_done":
        return Verdict("done")
    if code >= 4500:
        return Verdict("stop", word)
    if code == 4401:
        return Verdict("login")
    if code == 4410:
        return Verdict("gap", word or "lost")
    return Verdict("again")


def after_refusal(status: int, code: str | None, retry_after: str | None) -> Verdict:
    """``retry_after`` is the header of that name, in whole seconds; a date is ignored."""
    if status == 401:
        return Verdict("login", code)
    # A 200 comes from a proxy with a page of its own: the client tries again.
    if 300 <= status < 500 and status not in (408, 425, 429):
        return Verdict("stop", code)
    is_seconds = retry_after is not None and re.fullmatch(r"[0-9]+", retry_after) is not None
    return Verdict(
        "again", code, asked_seconds(int(retry_after or 0) * 1_000) if is_seconds else _DEFAULT_RETRY_SECONDS
    )


def _word_of(reason: str) -> str | None:
    try:
        word = json.loads(reason)["e"]
    except (ValueError, KeyError, TypeError):
        return None
    return word if isinstance(word, str) else None


class BackOff:
    """Delay before the next attempt (L2): full jitter, doubling from 0.1 s to 30 s."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._failures = 0

    def next(self, at_least: float = 0.0) -> float:
        """Seconds. ``at_least`` is the gateway's minimum; jitter is added to it."""
        ceiling = min(_FIRST_SECONDS * 2**self._failures, _LONGEST_SECONDS)
        self._failures = min(self._failures + 1, 16)
        jitter: float = self._chance() * max(ceiling, at_least / 4)
        return at_least + jitter

    def lived(self, seconds: float) -> None:
        """Records that a connection ended after this many seconds."""
        if seconds >= _STABLE_SECONDS:
            self._failures = 0


class RecentIds:
    """Ids of the last events, to recognise one that is sent again (L5). Holds 10,000 to 20,000 of them."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._younger: set[str] = set()
        self._older: set[str] = set()

    def __contains__(self, item: str) -> bool:
        return item in self._younger or item in self._older

    def add(self, item: str) -> None:
        self._younger.add(item)
        if len(self._younger) >= self._most:
            self._older, self._younger = self._younger, set()
