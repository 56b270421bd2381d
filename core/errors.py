"""The errors a caller can act on; each message says what was expected, what it was, and where."""


class FlowError(Exception):
    """Base of every error this project raises on purpose."""


class ConfigError(FlowError):
    """A setting, rule or universe file cannot be used as it stands."""


class BadInputError(FlowError):
    """A record cannot be used; ``reason`` is its short name in counters and dead letters."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def described(error: BaseException) -> str:
    """Return kind and words of an error: the `repr` of some clients' errors has no words."""
    return f"{type(error).__name__}: {error}"
