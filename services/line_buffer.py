"""Whole lines out of bytes that come in pieces, in bounded memory."""

KEPT_BYTES = 256 * 1024
"""How much of a line without end is kept; well above what a record may have, so that what is cut
is refused as too long, and never taken for a good line."""


class LineBuffer:
    """Collects bytes until lines are whole."""

    def __init__(self) -> None:
        self._rest = b""
        self._skips = False

    def feed(self, data: bytes) -> bytes:
        """Add bytes; return the lines that are whole now, each with its end."""
        if self._skips:
            data = self._after_line_end(data)
        data = self._rest + data
        # A return at the very end may be the first half of a line end of two bytes.
        end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, max(len(data) - 1, 0))) + 1
        whole, self._rest = data[:end], data[end:]
        if len(self._rest) > KEPT_BYTES:
            whole += self._rest[:KEPT_BYTES] + b"\n"
            self._rest = b""
            self._skips = True
        return whole

    def rest(self) -> bytes:
        """Return the last line although it has no end, and begin anew."""
        rest, self._rest, self._skips = self._rest, b"", False
        return rest

    def _after_line_end(self, data: bytes) -> bytes:
        ends = [place for place in (data.find(b"\n"), data.find(b"\r")) if place >= 0]
        if not ends:
            return b""
        self._skips = False
        return data[min(ends) + 1 :]
