"""Errors that end a stream or a group for good."""

from __future__ import annotations

from typing import Literal

ErrorCode = Literal["refused", "login_refused", "gap", "cursor_store", "untrusted_certificate", "invalid_option"]


class FirehoseError(Exception):
    """The stream or group has ended for good. Contains no token and no password.

    ``code`` is stable. ``reason`` is the gateway's own word, ``status`` the HTTP status or close code; both may be None.
    """

    def __init__(self, code: ErrorCode, message: str, *, reason: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.reason = reason
        self.status = status


def untrusted() -> FirehoseError:
    return FirehoseError(
        "untrusted_certificate",
        "the certificate of the gateway is not trusted: give its authority as ca",
    )
