"""Asking processes over HTTP, shortly and with bounds, past any proxy."""

import http.client
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from core.errors import FlowError

ANSWER_SECONDS = 2.0
_MOST_BYTES = 32 * 1024 * 1024


class HttpError(FlowError):
    """A process did not answer, or not as asked."""


class AccessError(HttpError):
    """What asks and what is asked do not trust each other."""


class UnauthorizedError(AccessError):
    """It wants a user and a password, or others: status 401."""


class CertificateError(AccessError):
    """It shows a certificate that is not trusted."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nowhere: another address is not the one that was asked about."""


def fetch(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    context: ssl.SSLContext | None = None,
) -> bytes:
    """Return what a GET of an http address answers.

    Raises
    ------
    HttpError
        In words: nothing listens, no answer, or another status than 200. An `AccessError` where
        other `headers` or another `context`, which judges certificates, would help.
    """
    try:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise HttpError("expected an address like http://host:port")
        request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310  see above
        with _opener(context).open(request, timeout=ANSWER_SECONDS) as answer:
            content: bytes = answer.read(_MOST_BYTES)
            return content
    except urllib.error.HTTPError as error:
        kind = UnauthorizedError if error.code == HTTPStatus.UNAUTHORIZED else HttpError
        with error:
            raise kind(f"answers {error.code} {error.reason} at {url}") from error
    except http.client.HTTPException as error:
        raise HttpError(f"answers no HTTP: {error!r}") from error
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, socket.timeout | TimeoutError):
            raise HttpError(f"no answer within {ANSWER_SECONDS:g} s") from error
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise CertificateError(f"expected a certificate to trust: {reason}") from error
        raise HttpError(f"cannot be reached: {getattr(reason, 'strerror', reason)}") from error


def _opener(context: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(
        _NoRedirects,
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=context),
    )
