"""The page of /metrics: a registry's text, before it the tables of many gauges."""

import threading
import zlib
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, generate_latest

from services.gauge_tables import GaugeTable, ShownGauges

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FASTEST = 1
"""Level of compression: a tenth larger than the usual one and ten times as fast."""
_GZIP = 16 + zlib.MAX_WBITS


class MetricsPage:
    """What a process shows of itself now, as text or compressed.

    The tables are written, and compressed, once for each set of figures shown; the registry is read
    anew for each page.
    """

    def __init__(self, registry: CollectorRegistry, tables: Sequence[GaugeTable] = ()) -> None:
        self._registry = registry
        self._tables = tuple(tables)
        self._lock = threading.Lock()
        self._written_of: list[ShownGauges | None] = []
        self._written = b""
        self._compressor = zlib.compressobj(_FASTEST, wbits=_GZIP)
        self._compressed: bytes | None = None

    def plain(self) -> bytes:
        """Return the page, in Prometheus' text format 0.0.4."""
        with self._lock:
            self._write()
            tables = self._written
        return tables + generate_latest(self._registry)

    def gzipped(self) -> bytes:
        """Return the page compressed."""
        with self._lock:
            self._write()
            if self._compressed is None:
                self._compressor = zlib.compressobj(_FASTEST, wbits=_GZIP)
                self._compressed = self._compressor.compress(self._written)
            tables, rest = self._compressed, self._compressor.copy()
        return b"".join((tables, rest.compress(generate_latest(self._registry)), rest.flush()))

    def _write(self) -> None:
        current = [table.current() for table in self._tables]
        if self._written_of == current:
            return
        parts: list[bytes] = []
        for table, shown in zip(self._tables, current, strict=True):
            parts += table.render(shown)
        self._written = b"".join(parts)
        self._written_of, self._compressed = current, None
