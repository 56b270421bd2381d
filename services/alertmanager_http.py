"""How an Alertmanager is asked: one HTTP request in, one answer out, whatever the network does."""

from dataclasses import dataclass
from typing import Literal, Protocol

import aiohttp

from services.alertmanager_access import UNAUTHORIZED, Access
from services.alertmanager_settings import AlertmanagerSection

REQUEST_SECONDS = 2.0
"""Longest wait for one answer: two attempts fit into the age of a batch."""
BODY_LOGGED = 2000
"""How much of the answer to a push is kept: it says what is wrong with it."""
BODY_READ = 4 * 1024 * 1024
"""Longest answer to a question; some ten thousand silences."""

Method = Literal["GET", "POST", "DELETE"]
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What came back for one request; ``status`` is None where nothing usable did."""

    status: int | None
    body: str
    is_timeout: bool = False

    @property
    def is_success(self) -> bool:
        """Whether what was asked is done."""
        return self.status is not None and self.status // 100 == 2  # noqa: PLR2004  any success


class Transport(Protocol):
    """Sends one request; failures to connect or to answer in time are answers too."""

    async def post(self, url: str, body: bytes) -> Answer:
        """POST JSON to `url` and return the answer within ``REQUEST_SECONDS``."""
        ...

    async def ask(self, method: Method, url: str, body: bytes = b"") -> Answer:
        """Send JSON to `url`, and return the whole answer within ``REQUEST_SECONDS``."""
        ...


class HttpTransport:
    """One aiohttp session for all peers; redirects are not followed.

    Without `access` no password is sent, and certificates are judged as the machine does.
    """

    def __init__(self, session: aiohttp.ClientSession, access: Access | None = None) -> None:
        self._session = session
        self._access = access or Access(AlertmanagerSection())

    async def post(self, url: str, body: bytes) -> Answer:
        """POST JSON to `url`; no exception of the network leaves this method."""
        return await self._request("POST", url, body, limit=BODY_LOGGED)

    async def ask(self, method: Method, url: str, body: bytes = b"") -> Answer:
        """Send JSON to `url`; an answer over ``BODY_READ`` bytes is none."""
        answer = await self._request(method, url, body, limit=BODY_READ + 1)
        if len(answer.body) > BODY_READ:
            return Answer(None, f"expected at most {BODY_READ} bytes, there are more")
        return answer

    async def _request(self, method: Method, url: str, body: bytes, *, limit: int) -> Answer:
        headers = {**_JSON, **self._access.headers(url)}
        try:
            async with self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                ssl=self._access.context() or True,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
            ) as response:
                if response.status == UNAUTHORIZED:
                    return Answer(response.status, self._access.unauthorized())
                text = await _first(response.content, limit)
                return Answer(response.status, text.decode(errors="replace"))
        except TimeoutError:
            return Answer(None, f"no answer within {REQUEST_SECONDS} s", is_timeout=True)
        except aiohttp.ClientConnectorCertificateError as error:
            why = error.certificate_error
            return Answer(None, f"expected a certificate to trust (alertmanager.ca_file): {why}")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(None, f"{type(error).__name__}: {error}")


async def _first(content: aiohttp.StreamReader, limit: int) -> bytes:
    """Return the first bytes of an answer: one read returns whatever has come so far."""
    text = b""
    while len(text) < limit and (more := await content.read(limit - len(text))):
        text += more
    return text
