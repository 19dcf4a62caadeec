"""Owns the token: logs in, keeps it while it is good."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._decide import Verdict, after_refusal
from ._errors import FirehoseError, untrusted

_LOGIN_PATH = "/ws/v1/firehose/login"
_LIMIT_SECONDS = 15


@dataclass(frozen=True)
class Login:
    """``domain`` is the name or realm of the user's account."""

    username: str
    password: str = field(repr=False)
    domain: str


#: Gets a token of the gateway in another way.
TokenSource = Callable[[], str]


class Tokens:
    def __init__(
        self,
        url: str,
        login: Login | TokenSource,
        scope: dict[str, Sequence[str]],
        trust: ssl.SSLContext | None,
    ) -> None:
        self._url = url.rstrip("/") + _LOGIN_PATH
        self._source = None if isinstance(login, Login) else login
        self._body = b""
        if isinstance(login, Login):
            known = {"username": login.username, "password": login.password, "domain": login.domain}
            self._body = json.dumps({**known, **scope}).encode()
        self._trust = trust
        self._token: str | None = None
        self._former: str | None = None
        self._refusals = 0

    def refused(self) -> None:
        """The gateway refused the token."""
        self._former = self._token or self._former
        self._token = None
        self._refusals += 1

    def taken(self) -> None:
        """The gateway took the token."""
        self._refusals = 0

    async def get(self) -> str | Verdict:
        """A token to connect with, or when to ask again. Raises when there will be none (L3)."""
        if self._refusals >= 2:
            raise FirehoseError(
                "login_refused", "the gateway refused two tokens in a row that it had just given", status=401
            )
        return self._token or await self.renew()

    async def renew(self) -> str | Verdict:
        """A new token, also while the present one is good."""
        if self._source is not None:
            self._token = await asyncio.to_thread(self._source)
            return self._token
        status, retry_after, body = await asyncio.to_thread(self._post)
        token = body.get("access_token")
        if status == 200 and isinstance(token, str):
            self._token = token
            return token
        if status == 0:
            return Verdict("again")
        code, detail = body.get("code"), body.get("detail") or "refused without a reason"
        verdict = after_refusal(status, code, retry_after)
        if verdict.kind == "login":
            self.refused()
            if self._refusals < 2:
                return Verdict("again", code, 1.0)
            raise FirehoseError("login_refused", f"login: {detail}", reason=code, status=status)
        if verdict.kind == "stop":
            raise FirehoseError("refused", f"login: {detail}", reason=code, status=status)
        return verdict

    def _post(self) -> tuple[int, str | None, dict[str, Any]]:
        """Status 0: no answer."""
        headers = {"Content-Type": "application/json"}
        former = self._token or self._former
        if former is not None:
            headers["Authorization"] = f"Bearer {former}"
        request = urllib.request.Request(self._url, self._body, headers)
        try:
            with urllib.request.urlopen(request, timeout=_LIMIT_SECONDS, context=self._trust) as answer:
                return answer.status, None, _parsed(answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.headers.get("Retry-After"), _parsed(refusal.read())
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise untrusted() from None
            return 0, None, {}
        except (OSError, TimeoutError):
            return 0, None, {}


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
