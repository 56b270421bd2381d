"""What can go wrong when the alerter asks Redis: no answer, or an answer that ends its turn."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from core.errors import FlowError


class StoreError(FlowError):
    """Redis did not answer, or could not do it."""


class LeaseLostError(FlowError):
    """Redis answered that another alerter has taken the lease meanwhile."""


@contextmanager
def answering(what: str) -> Iterator[None]:
    """Raise a `StoreError` that says what was tried, where Redis does not do it."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreError(f"{what}: {type(error).__name__}: {error}") from error
