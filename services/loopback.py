"""Which addresses never leave this machine."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether a host, by number or as ``localhost``, is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
