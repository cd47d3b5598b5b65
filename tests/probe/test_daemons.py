"""Probing the real servers that connectors talk to: OpenLDAP, MariaDB, PostgreSQL."""

from __future__ import annotations

import pytest

from bot.probe.presented import ClientCertificate
from tests.support.authority import Issued, make_root
from tests.support.daemons import mariadb, openldap, postgresql
from tests.support.probing import HOST, ask, codes, ders

Chain = tuple[Issued, ...]


@pytest.mark.parametrize(
    ("text", "is_tls"),
    [(f"ldaps://{HOST}", True), (f"{HOST}:636", True), (f"ldap://{HOST}", False)],
)
async def test_openldap(chain: Chain, text: str, is_tls: bool) -> None:
    with openldap(chain) as directory:
        port = directory.ldaps_port if is_tls else directory.ldap_port
        presented = await ask(directory, text, port=port)
    assert presented.chain == ders(chain)
    assert codes(presented) == []
    assert ("prelude" in presented.timings_ms) is not is_tls


async def test_openldap_that_demands_a_client_certificate(chain: Chain) -> None:
    with openldap(chain, make_root("Client CA")) as directory:
        ldaps = await ask(directory, f"ldaps://{HOST}", port=directory.ldaps_port)
        start_tls = await ask(directory, f"ldap://{HOST}", port=directory.ldap_port)
    for presented in (ldaps, start_tls):
        assert presented.chain == ders(chain)
        assert presented.client_certificate == ClientCertificate(True, ("CN=Client CA",))
        assert codes(presented) == ["client_certificate_required"]
        assert presented.error is not None
        assert presented.error.java == "LDAP connection has been closed"


async def test_openldap_without_a_certificate_refuses_starttls() -> None:
    with openldap() as directory:
        presented = await ask(directory, f"ldap://{HOST}", port=directory.ldap_port)
    assert codes(presented) == ["prelude_refused"]
    assert presented.error is not None
    assert presented.error.java == "[LDAP: error code 2 - unsupported extended operation]"
    assert "Install a certificate on the directory server" in presented.error.remedy


async def test_the_ports_of_openldap_mixed_up(chain: Chain) -> None:
    with openldap(chain) as directory:
        tls_on_ldap = await ask(directory, f"ldaps://{HOST}:389", port=directory.ldap_port)
        start_tls_on_ldaps = await ask(directory, f"ldap://{HOST}:1636", port=directory.ldaps_port)
    assert codes(tls_on_ldap) == ["handshake_closed"]
    assert f"ldap://{HOST}:389" in (tls_on_ldap.error.remedy if tls_on_ldap.error else "")
    assert start_tls_on_ldaps.chain == ders(chain)
    assert codes(start_tls_on_ldaps) == ["tls_without_prelude"]
    assert f"ldaps://{HOST}:1636" in start_tls_on_ldaps.findings[0].remedy


async def test_mariadb(chain: Chain) -> None:
    with mariadb(chain) as database:
        presented = await ask(database, f"mysql://{HOST}")
        as_tls = await ask(database, f"{HOST}:13306", port=database.port)
    assert presented.chain == ders(chain)
    assert codes(presented) == ["client_certificate_requested"]
    assert codes(as_tls) == ["plaintext"]
    assert f"mysql://{HOST}" in (as_tls.error.remedy if as_tls.error else "")


async def test_mariadb_without_a_certificate() -> None:
    with mariadb() as database:
        presented = await ask(database, f"mysql://{HOST}")
    assert codes(presented) == ["prelude_refused"]
    assert "MariaDB" in (presented.error.message if presented.error else "")


async def test_postgresql(chain: Chain) -> None:
    with postgresql(chain) as database:
        presented = await ask(database, f"postgresql://{HOST}")
        as_tls = await ask(database, f"{HOST}:15432", port=database.port)
    assert presented.chain == ders(chain)
    assert codes(presented) == []
    assert codes(as_tls) == ["handshake_closed"]
    assert "postgresql://" in (as_tls.error.remedy if as_tls.error else "")


async def test_postgresql_without_a_certificate() -> None:
    with postgresql() as database:
        presented = await ask(database, f"postgresql://{HOST}")
    assert codes(presented) == ["prelude_refused"]
    assert presented.error is not None
    assert presented.error.java == "The server does not support SSL."
