"""Asking processes over HTTP, shortly and with bounds."""

import socket
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from core.errors import FlowError

ANSWER_SECONDS = 2.0
_MOST_BYTES = 32 * 1024 * 1024


class HttpError(FlowError):
    """A process did not answer, or not as asked."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nowhere: another address is not the one that was asked about."""


_opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))


def fetch(url: str) -> bytes:
    """Return what a GET of an http address answers.

    Raises
    ------
    HttpError
        In words: nothing listens, no answer, or another status than 200.
    """
    try:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise HttpError("expected an address like http://host:port")
        with _opener.open(url, timeout=ANSWER_SECONDS) as answer:
            content: bytes = answer.read(_MOST_BYTES)
            return content
    except urllib.error.HTTPError as error:
        with error:
            raise HttpError(f"answers {error.code} {error.reason} at {url}") from error
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, socket.timeout | TimeoutError):
            raise HttpError(f"no answer within {ANSWER_SECONDS:g} s") from error
        raise HttpError(f"cannot be reached: {getattr(reason, 'strerror', reason)}") from error
