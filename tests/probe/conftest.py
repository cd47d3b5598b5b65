"""What the tests of the probe share."""

from __future__ import annotations

import pytest

from bot.probe.egress import Egress, parse_networks
from tests.support.authority import Issued, make_root, rsa_key


@pytest.fixture
def local() -> Egress:
    """Rules that allow the loopback addresses where test servers listen."""
    return Egress(allow=parse_networks("127.0.0.0/8, ::1"))


@pytest.fixture(scope="session")
def chain() -> tuple[Issued, Issued]:
    """The chain of an ordinary RSA server: leaf and intermediate."""
    intermediate = make_root("Probe Root").intermediate("Probe Issuing CA")
    return intermediate.leaf("server.example.test", key=rsa_key()), intermediate
