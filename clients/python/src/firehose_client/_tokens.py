"""Owns the token: logs in, keeps the token while it is valid."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, NamedTuple

from ._decide import Verdict, after_refusal
from ._errors import FirehoseError, untrusted
from ._waits import in_thread

_LOGIN_PATH = "/ws/v1/firehose/login"
_LIMIT_SECONDS = 15
_MOST_BYTES = 1_048_576


@dataclass(frozen=True)
class Login:
    """``domain`` is the name or realm of the user's account. ``privacy`` is a privacy profile of the gateway that shows no
    more than what the user may see; that when not given.
    """

    username: str
    password: str = field(repr=False)
    domain: str
    privacy: str | None = None


#: Gets a token of the gateway in another way.
TokenSource = Callable[[], str]


class _Answer(NamedTuple):
    status: int
    retry_after: str | None
    body: dict[str, Any]

    @property
    def token(self) -> str | None:
        token = self.body.get("access_token")
        return token if self.status == 200 and isinstance(token, str) else None


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
            asked = {} if login.privacy is None else {"privacy": login.privacy}
            self._body = json.dumps({**known, **asked, **scope}).encode()
        handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
        if trust is not None:
            handlers.append(urllib.request.HTTPSHandler(context=trust))
        self._opener = urllib.request.build_opener(*handlers)
        self._token: str | None = None
        self._former: str | None = None
        self._refusals = 0

    def refused(self) -> None:
        """The gateway refused the token."""
        self._former = self._token or self._former
        self._token = None
        self._refusals += 1

    def taken(self) -> None:
        """The gateway accepted the token."""
        self._refusals = 0

    async def get(self) -> str | Verdict:
        """A token for a connection, or when to try again. Raises when there will be none (L3)."""
        if self._refusals >= 2:
            raise FirehoseError(
                "login_refused", "the gateway refused two tokens in a row that it had just given", status=401
            )
        return self._token or self._judge(await self._ask())

    async def renew(self) -> str | None:
        """A new token while the present one is valid; None when there is none now. A refusal counts once the present one has expired."""
        answer = await self._ask()
        token = answer.token if isinstance(answer, _Answer) else answer
        self._token = token or self._token
        return token

    async def _ask(self) -> str | _Answer | None:
        """A token of the caller, the answer to a login, or None when neither arrives in time. Raises when there will be none."""
        try:
            if self._source is None:
                return await in_thread(self._post, _LIMIT_SECONDS)
            token: object = await in_thread(self._source, _LIMIT_SECONDS)
        except FirehoseError:
            raise
        except (Exception, asyncio.TimeoutError):
            return None
        if isinstance(token, str) and token:
            return token
        raise FirehoseError("invalid_option", "login: the function must return a text")

    def _judge(self, answer: str | _Answer | None) -> str | Verdict:
        if answer is None:
            return Verdict("again")
        token = answer.token if isinstance(answer, _Answer) else answer
        if token is not None:
            self._token = token
            return token
        assert isinstance(answer, _Answer)
        status, retry_after, body = answer
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

    def _post(self) -> _Answer | None:
        """None: no answer."""
        headers = {"Content-Type": "application/json"}
        former = self._token or self._former
        if former is not None:
            headers["Authorization"] = f"Bearer {former}"
        request = urllib.request.Request(self._url, self._body, headers)
        try:
            with self._opener.open(request, timeout=_LIMIT_SECONDS) as answer:
                return _Answer(answer.status, None, _parsed(answer.read(_MOST_BYTES)))
        except urllib.error.HTTPError as refusal:
            with refusal:
                return _Answer(refusal.code, refusal.headers.get("Retry-After"), _parsed(refusal.read(_MOST_BYTES)))
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise untrusted() from None
            return None
        except (OSError, HTTPException):
            return None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect counts as a refusal: it would send the password or the token to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
