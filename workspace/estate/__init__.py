"""The demonstration estate: real TLS servers on loopback addresses, with chains as people meet them."""

from workspace.estate.estate import Estate, Place

__all__ = ["Estate", "Place"]
