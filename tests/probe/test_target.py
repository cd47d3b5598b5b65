"""What people type and paste, and the server that it names."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import TargetError
from bot.probe.connection_strings import read_command, read_connection_string
from bot.probe.endpoint import read_endpoint, read_plain
from bot.probe.pasted import unified, unwrapped
from bot.probe.target import Protocol, Target, candidates, parse_target, parse_targets

PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----"


def read(text: str) -> tuple[str, Protocol]:
    target = parse_target(text)
    return target.address, target.protocol


def refusal(text: str) -> str:
    with pytest.raises(TargetError) as caught:
        parse_target(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("portal.corp.example", "portal.corp.example:443"),
        ("dc01", "dc01:443"),
        ("dc01.corp.example:636", "dc01.corp.example:636"),
        ("  DC01.Corp.Example.  ", "dc01.corp.example:443"),
        ("dc01.corp.example.:636", "dc01.corp.example:636"),
        ("dc01.corp.example:636.", "dc01.corp.example:636"),
        ("dc01.corp.example:", "dc01.corp.example:443"),
        ("dc01.corp.example:636/path?x", "dc01.corp.example:636"),
        ("dc01.corp.example 636", "dc01.corp.example:636"),
        ("dc01.corp.example : 636", "dc01.corp.example:636"),
        ("dc01.corp.example: 636", "dc01.corp.example:636"),
        ("dc01.corp.example, 636", "dc01.corp.example:636"),
        ("dc01.corp.example (636)", "dc01.corp.example:636"),
        ("dc01.corp.example port 636", "dc01.corp.example:636"),
        ("dc01.corp.example:636 (LDAPS)", "dc01.corp.example:636"),
        ("dc01.corp.example ldaps", "dc01.corp.example:636"),
        ("dc01.corp.example:ldaps", "dc01.corp.example:636"),
        ("ldaps:dc01.corp.example:3269", "dc01.corp.example:3269"),
        ("Server: dc01.corp.example", "dc01.corp.example:443"),
        ("host 636", "host:636"),
        ("ldaps", "ldaps:443"),
        ("my_server.corp.example", "my_server.corp.example:443"),
        ("r4---sn-4g5e.example", "r4---sn-4g5e.example:443"),
        ("192.0.2.10", "192.0.2.10:443"),
        ("192.0.2.10:8443", "192.0.2.10:8443"),
        ("[2001:DB8::1]:636", "[2001:db8::1]:636"),
        ("[2001:db8::1]", "[2001:db8::1]:443"),
        ("2001:0db8:0::1", "[2001:db8::1]:443"),
        ("2001:db8::1 636", "[2001:db8::1]:636"),
        ("1:2:3:4:5:6:7:8:636", "[1:2:3:4:5:6:7:8]:636"),
        ("(::1)", "[::1]:443"),
    ],
)
def test_hosts_and_ports(text: str, address: str) -> None:
    assert read(text) == (address, Protocol.TLS)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("<http://dc01.corp.example|dc01.corp.example>", "dc01.corp.example:443"),
        ("<http://dc01.corp.example:636|dc01.corp.example:636>", "dc01.corp.example:636"),
        ("<http://dc01.corp.example|dc01.corp.example>:636", "dc01.corp.example:636"),
        ("<http://dc01.corp.example|dc01.corp.example> 636", "dc01.corp.example:636"),
        ("<https://h.example:8443/path|the portal>", "h.example:8443"),
        ("<ldaps://h.example>", "h.example:636"),
        ("&lt;ldaps://h.example&gt;", "h.example:636"),
        ("dc01.corp.example<http://dc01.corp.example>", "dc01.corp.example:443"),
        ("[dc01.corp.example:636](http://dc01.corp.example:636)", "dc01.corp.example:636"),
        ("[the portal](https://h.example:8443/x)", "h.example:8443"),
        ("/cert dc01.corp.example:636", "dc01.corp.example:636"),
        ("`dc01.corp.example:636`", "dc01.corp.example:636"),
        ("“dc01.corp.example”,", "dc01.corp.example:443"),
        ("'«dc01.corp.example»'!", "dc01.corp.example:443"),
        ("*dc01.corp.example*", "dc01.corp.example:443"),
        ("- dc01.corp.example;", "dc01.corp.example:443"),
        ("> dc01.corp.example", "dc01.corp.example:443"),
        ("[dc01.corp.example:636]", "dc01.corp.example:636"),
        ("\ufeffdc01\u200b.corp\u00ad.example\u00a0636", "dc01.corp.example:636"),
        ("\u202adc01.corp.example\u202c", "dc01.corp.example:443"),
        ("muc\u2011dc\u201101.corp.example", "muc-dc-01.corp.example:443"),
        ("ｄｃ０１.corp。example：６３６", "dc01.corp.example:636"),
        ("dc01.corp.example\t636\r\n", "dc01.corp.example:636"),
    ],
)
def test_what_surrounds_a_pasted_address_is_taken_off(text: str, address: str) -> None:
    assert read(text) == (address, Protocol.TLS)


@pytest.mark.parametrize(
    ("text", "address", "protocol"),
    [
        ("https://h.example/path?x#y", "h.example:443", Protocol.TLS),
        ("HTTPS://h.example:/", "h.example:443", Protocol.TLS),
        ("https:/h.example", "h.example:443", Protocol.TLS),
        ("https//h.example", "h.example:443", Protocol.TLS),
        ("https:\\\\h.example", "h.example:443", Protocol.TLS),
        ("https:///h.example/x", "h.example:443", Protocol.TLS),
        ("https://ldaps://h.example", "h.example:636", Protocol.TLS),
        ("https://h.example 8443", "h.example:8443", Protocol.TLS),
        ("https://[2001:db8::1]:8443/", "[2001:db8::1]:8443", Protocol.TLS),
        ("https://h.example:8443/@user", "h.example:8443", Protocol.TLS),
        ("http://h.example", "h.example:443", Protocol.TLS),
        ("http://h.example:80", "h.example:443", Protocol.TLS),
        ("http://h.example:8080", "h.example:8080", Protocol.TLS),
        ("wss://h.example/socket", "h.example:443", Protocol.TLS),
        ("ldaps://h.example", "h.example:636", Protocol.TLS),
        ("ldaps://h.example:389", "h.example:389", Protocol.TLS),
        ("ldap://h.example", "h.example:389", Protocol.LDAP),
        ("ldap://h.example:3268", "h.example:3268", Protocol.LDAP),
        ("ldap://h.example:10389", "h.example:10389", Protocol.LDAP),
        ("ldap://h.example:636", "h.example:636", Protocol.TLS),
        ("ldap://h.example/dc=corp,dc=example??sub?(cn=*)", "h.example:389", Protocol.LDAP),
        ("ldap://h.example:389/OU=All People,DC=corp", "h.example:389", Protocol.LDAP),
        ("smtp://h.example", "h.example:25", Protocol.SMTP),
        ("smtp://h.example:465", "h.example:465", Protocol.TLS),
        ("submission://h.example", "h.example:587", Protocol.SMTP),
        ("smtps://h.example", "h.example:465", Protocol.TLS),
        ("imap://h.example", "h.example:143", Protocol.IMAP),
        ("imaps://h.example", "h.example:993", Protocol.TLS),
        ("pop3://h.example", "h.example:110", Protocol.POP3),
        ("pop3s://h.example", "h.example:995", Protocol.TLS),
        ("ftp://h.example", "h.example:21", Protocol.FTP),
        ("ftps://h.example", "h.example:990", Protocol.TLS),
        ("xmpp://h.example", "h.example:5222", Protocol.XMPP),
        ("xmpps://h.example", "h.example:5223", Protocol.TLS),
        ("postgres://h.example/db", "h.example:5432", Protocol.POSTGRESQL),
        ("mysql://h.example:3307/db", "h.example:3307", Protocol.MYSQL),
        ("mariadb://h.example", "h.example:3306", Protocol.MYSQL),
        ("mssql://h.example", "h.example:1433", Protocol.MSSQL),
        ("mssql-strict://h.example", "h.example:1433", Protocol.MSSQL_STRICT),
        ("tcp://h.example:3306", "h.example:3306", Protocol.MYSQL),
    ],
)
def test_urls(text: str, address: str, protocol: Protocol) -> None:
    assert read(text) == (address, protocol)


@pytest.mark.parametrize(
    ("protocol", "ports"),
    [
        (Protocol.TLS, (443, 8443, 636, 3269, 465, 993, 995, 990, 5223, 9443, 12345)),
        (Protocol.LDAP, (389, 3268)),
        (Protocol.SMTP, (25, 587, 2525)),
        (Protocol.IMAP, (143,)),
        (Protocol.POP3, (110,)),
        (Protocol.FTP, (21,)),
        (Protocol.XMPP, (5222,)),
        (Protocol.POSTGRESQL, (5432, 6432)),
        (Protocol.MYSQL, (3306,)),
        (Protocol.MSSQL, (1433,)),
    ],
)
def test_the_port_tells_the_protocol(protocol: Protocol, ports: tuple[int, ...]) -> None:
    assert {parse_target(f"h.example:{port}").protocol for port in ports} == {protocol}


@pytest.mark.parametrize(
    ("text", "address", "protocol"),
    [
        ("jdbc:postgresql://h.example:5433/db", "h.example:5433", Protocol.POSTGRESQL),
        ("jdbc:mysql://h.example/db?useSSL=true", "h.example:3306", Protocol.MYSQL),
        ("jdbc:mysql:loadbalance://h.example:3307/db", "h.example:3307", Protocol.MYSQL),
        ("jdbc:mariadb://h.example/db", "h.example:3306", Protocol.MYSQL),
        ("jdbc:sqlserver://h.example:1433;databaseName=x", "h.example:1433", Protocol.MSSQL),
        (
            "jdbc:sqlserver://h.example:1433;databaseName=x;encrypt=strict",
            "h.example:1433",
            Protocol.MSSQL_STRICT,
        ),
        ("jdbc:sqlserver://h.example\\inst:1500;x=y", "h.example:1500", Protocol.MSSQL),
        (
            "jdbc:sqlserver://;serverName=h.example;portNumber=1434",
            "h.example:1434",
            Protocol.MSSQL,
        ),
        ("jdbc:jtds:sqlserver://h.example:1433/db;ssl=require", "h.example:1433", Protocol.MSSQL),
        ("jdbc:oracle:thin:@tcps://h.example:2484/svc", "h.example:2484", Protocol.TLS),
        ("spring.datasource.url=jdbc:mariadb://h.example/db", "h.example:3306", Protocol.MYSQL),
        ("java.naming.provider.url=ldaps://h.example", "h.example:636", Protocol.TLS),
        ("tcp:h.example,1433", "h.example:1433", Protocol.MSSQL),
        ("tcp:h.example", "h.example:1433", Protocol.MSSQL),
        ("h.example,1433", "h.example:1433", Protocol.MSSQL),
        ("h.example\\SQLEXPRESS,51433", "h.example:51433", Protocol.MSSQL),
        ("Server=tcp:h.example,1433;Initial Catalog=x", "h.example:1433", Protocol.MSSQL),
        ("Data Source=h.example;Encrypt=Strict", "h.example:1433", Protocol.MSSQL_STRICT),
        (
            "Driver={ODBC Driver 18 for SQL Server};Server=h.example",
            "h.example:1433",
            Protocol.MSSQL,
        ),
        ("Server=h.example;Uid=a;SslMode=Required", "h.example:3306", Protocol.MYSQL),
        ("host=h.example dbname=x", "h.example:5432", Protocol.POSTGRESQL),
        ("Host=h.example;Username=a", "h.example:5432", Protocol.POSTGRESQL),
        ("host=h.example port=636", "h.example:636", Protocol.TLS),
    ],
)
def test_connection_strings(text: str, address: str, protocol: Protocol) -> None:
    assert read(text) == (address, protocol)


@pytest.mark.parametrize(
    ("text", "address", "protocol"),
    [
        ("openssl s_client -connect h.example:636", "h.example:636", Protocol.TLS),
        (
            "$ echo | openssl.exe s_client -showcerts -servername x -connect h.example:389 "
            "-starttls ldap </dev/null 2>/dev/null | openssl x509 -text",
            "h.example:389",
            Protocol.LDAP,
        ),
        ("openssl s_client -servername x h.example:8443", "h.example:8443", Protocol.TLS),
        (
            "openssl s_client -connect <http://h.example:25|h.example:25> -starttls smtp",
            "h.example:25",
            Protocol.SMTP,
        ),
        (
            "openssl s_client -starttls postgres -connect h.example:1",
            "h.example:1",
            Protocol.POSTGRESQL,
        ),
        ("keytool -printcert -sslserver h.example:8443", "h.example:8443", Protocol.TLS),
        ("curl -v -o out.txt https://h.example/path", "h.example:443", Protocol.TLS),
        ("telnet h.example 636", "h.example:636", Protocol.TLS),
        ("nc -vz h.example 636", "h.example:636", Protocol.TLS),
        ("Test-NetConnection h.example -Port 636", "h.example:636", Protocol.TLS),
        ("ldapsearch -H ldaps://h.example -D cn=a -b dc=x", "h.example:636", Protocol.TLS),
        ("ldapsearch -x -h h.example -p 389", "h.example:389", Protocol.LDAP),
        ("ping", "ping:443", Protocol.TLS),
    ],
)
def test_commands(text: str, address: str, protocol: Protocol) -> None:
    assert read(text) == (address, protocol)


@pytest.mark.parametrize(
    ("text", "protocol", "address"),
    [
        ("h.example", Protocol.LDAP, "h.example:389"),
        ("h.example", Protocol.POSTGRESQL, "h.example:5432"),
        ("h.example", Protocol.MSSQL_STRICT, "h.example:1433"),
        ("h.example:636", Protocol.LDAP, "h.example:636"),
        ("h.example:389", Protocol.TLS, "h.example:389"),
        ("https://h.example", Protocol.LDAP, "h.example:389"),
        ("ldap://h.example", Protocol.TLS, "h.example:636"),
        ("submission://h.example", Protocol.SMTP, "h.example:587"),
        ("h.example", Protocol.TLS, "h.example:443"),
    ],
)
def test_a_protocol_that_is_asked_for_wins(text: str, protocol: Protocol, address: str) -> None:
    target = parse_target(text, protocol)
    assert (target.address, target.protocol) == (address, protocol)


@pytest.mark.parametrize(
    ("text", "host", "unicode_host", "label"),
    [
        ("bücher.example", "xn--bcher-kva.example", "bücher.example", "bücher.example:443 (xn--bcher-kva.example)"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example", "bücher.example", "bücher.example:443 (xn--bcher-kva.example)"),
        ("Straße.example", "xn--strae-oqa.example", "straße.example", "straße.example:443 (xn--strae-oqa.example)"),
        ("日本語。jp", "xn--wgv71a119e.jp", "日本語.jp", "日本語.jp:443 (xn--wgv71a119e.jp)"),
        ("a_b.bücher.example", "a_b.xn--bcher-kva.example", "a_b.bücher.example", "a_b.bücher.example:443 (a_b.xn--bcher-kva.example)"),
        ("xn--i-7iq.ws", "xn--i-7iq.ws", "xn--i-7iq.ws", "xn--i-7iq.ws:443"),
        ("[2001:db8::1]:389", "2001:db8::1", "2001:db8::1", "[2001:db8::1]:389, LDAP with StartTLS"),
        ("dc01:636", "dc01", "dc01", "dc01:636"),
    ],
)  # fmt: skip
def test_both_forms_of_a_name_are_known_and_shown(
    text: str, host: str, unicode_host: str, label: str
) -> None:
    target = parse_target(text)
    assert (target.host, target.unicode_host, target.label) == (host, unicode_host, label)


@pytest.mark.parametrize(
    ("text", "reason", "right"),
    [
        ("", "No server", "dc01.corp.example:636"),
        ("  “” ", "No server", "dc01.corp.example:636"),
        ("636", "only a port", "dc01.corp.example:636"),
        ("port 8443", "only a port", "dc01.corp.example:8443"),
        ("host:0", "no valid port", "dc01.corp.example:636"),
        ("host:65536", "no valid port", "dc01.corp.example:636"),
        ("host 99999999999999999999", "no valid port", "dc01.corp.example:636"),
        ("host:6e6", "no valid port", "dc01.corp.example:636"),
        ("host:٦٣٦", "no valid port", "dc01.corp.example:636"),
        ("host:443:636", "no valid port", "dc01.corp.example:636"),
        ("host:443 636", "two ports", "two addresses"),
        ("bob@corp.example", "e-mail", "corp.example"),
        ("<mailto:bob@corp.example|bob@corp.example>", "e-mail", "corp.example"),
        ("<@U012AB3CD|bob>", "mentions somebody", "dc01.corp.example:636"),
        ("<#C012AB3CD|general>", "mentions somebody", "dc01.corp.example:636"),
        ("10.0.0.0/8", "network", "10.0.0.0"),
        ("2001:db8::/32", "network", "2001:db8::"),
        ("*.corp.example", "pattern", "www.corp.example:443"),
        ("_ldap._tcp.dc._msdcs.corp.example", "SRV", "corp.example:636"),
        ("_ldap._tcp.Munich._sites.corp.example", "SRV", "corp.example:636"),
        ("_ldap._tcp", "SRV", "corp.example:636"),
        ("mongodb+srv://c.example", "SRV", "dc01.corp.example:636"),
        ("ldapi://%2fvar%2frun%2fldapi", "local socket", "dc01.corp.example:636"),
        ("sftp://h.example", "SSH", "dc01.corp.example:636"),
        ("file:///etc/hosts", "a file", "dc01.corp.example:636"),
        ("gopher://h.example", "not known", "https, ldaps"),
        ("https://", "no host", "dc01.corp.example:636"),
        ("ldap:///dc=corp,dc=example", "no host", "corp.example:636"),
        ("CN=dc01,OU=Servers,DC=corp,DC=example", "no address", "corp.example:636"),
        ("\\\\server\\share", "file share", "dc01.corp.example:636"),
        ("sql01\\SQLEXPRESS", "instance", "sql01.corp.example:1433"),
        ("Server=sql01\\SQLEXPRESS;Database=x", "instance", "sql01.corp.example:1433"),
        ("jdbc:sqlserver://sql01\\inst;databaseName=x", "instance", "sql01.corp.example:1433"),
        ("Server=(local);Database=x", "same machine", "dc01.corp.example:636"),
        ("jdbc:oracle:thin:@h.example:1521:sid", "not known", "db01.corp.example:2484"),
        ("jdbc:mysql://h1.example,h2.example/db", "more than", "dc01.corp.example:636"),
        ("ldap://h1.example ldap://h2.example", "more than", "dc01.corp.example:636"),
        ("https://h1.example,https://h2.example", "more than", "dc01.corp.example:636"),
        ("h1.example,h2.example", "more than", "dc01.corp.example:636"),
        ("please look at my server", "more than", "dc01.corp.example:636"),
        ("PKIX path building failed: unable to find", "error message", "explained"),
        ("openssl s_client -showcerts", "names no server", "dc01.corp.example:636"),
        ("fe80::1%eth0", "zone", "[2001:db8::1]:636"),
        ("[fe80::1%25eth0]:636", "zone", "[2001:db8::1]:636"),
        ("2001:db8::g", "no valid port", "dc01.corp.example:636"),
        ("1:2:3", "neither", "[2001:db8::1]:636"),
        ("127.1", "unusual", "127.0.0.1:443"),
        ("0x7f000001", "unusual", "127.0.0.1:443"),
        ("2130706433", "unusual", "127.0.0.1:443"),
        ("010.0.0.1", "8.0.0.1 or as 10.0.0.1", "10.0.0.1:443"),
        ("256.0.0.1", "not an IPv4 address", "192.0.2.10:636"),
        ("1.2.3.4.5", "not an IPv4 address", "192.0.2.10:636"),
        ("host.123", "not an IPv4 address", "192.0.2.10:636"),
        ("dc01..example", "empty part", "dc01.corp.example:636"),
        ("dc01.corp.exa...", "empty part", "dc01.corp.example:636"),
        ("-dc01.example", "hyphens", "dc01.corp.example:636"),
        ("dc01-.example", "hyphens", "dc01.corp.example:636"),
        ("dc 01$.example:636", "more than", "dc01.corp.example:636"),
        ("dc01$.example", "hyphens", "dc01.corp.example:636"),
        (f"{'a' * 64}.example", "64 characters", "dc01.corp.example:636"),
        (f"{'ü' * 60}.example", "internationalised", "dc01.corp.example:636"),
        (f"{'ü' * 1000}.example", "too long", "dc01.corp.example:636"),
        (".".join(["abcdefg"] * 32), "at most 253", "dc01.corp.example:636"),
        ("xn--zzzzzz.example", "punycode", "dc01.corp.example:636"),
        ("xn--abc-.example", "hyphens", "dc01.corp.example:636"),
        ("i❤.ws", "not an internationalised name", "dc01.corp.example:636"),
        ("dc01.corp.exa…", "cannot hold", "dc01.corp.example:636"),
        ("dc01\x1b[31m.example", "control characters", "dc01.corp.example:636"),
        ("x" * 2001, "2001 characters long", "dc01.corp.example:636"),
    ],
)  # fmt: skip
def test_what_is_no_server_is_refused_with_a_right_example(
    text: str, reason: str, right: str
) -> None:
    message = refusal(text)
    assert reason in message
    assert right in message
    assert message.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "postgres://admin:SeSaM@h.example/db",
        "postgres://admin:a/SeSaM@h.example/db",
        "postgres://admin:a@SeSaM@h.example/db",
        "postgres://admin:SeSaM@h.example:99999/db",
        "https://SeSaM@h.example/",
        "admin:SeSaM@h.example:636",
        "jdbc:sqlserver://h.example:1433;user=a;password={x;SeSaM}",
        "jdbc:postgresql://h.example/db?user=a&password=SeSaM&ssl=true",
        "jdbc:oracle:thin:admin/SeSaM@h.example:1521:x",
        "Server=h.example;User Id=a;Pwd=a SeSaM",
        "host=h.example password='a SeSaM'",
        "ldapsearch -H ldaps://h.example -D cn=a -w SeSaM",
        "curl -u admin:SeSaM https://h.example/",
        "admin:a/SeSaM@h.example",
        "please use dc01 with password: SeSaM",
        PEM.replace("MC4CAQ", "SeSaM"),
    ],
)
def test_secrets_are_neither_kept_nor_quoted(text: str) -> None:
    for result in (
        *parse_targets(text),
        *parse_targets(f"{text} \x01"),
        *parse_targets("a?" + text * 30),
    ):
        assert "SeSaM" not in (repr(result) if isinstance(result, Target) else str(result))


def test_the_input_is_kept_as_typed() -> None:
    assert parse_target(" HTTPS://H.example:8443/@me ").input == "HTTPS://H.example:8443/@me"


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("dc01", (443, 636)),
        ("srv-dc-02.example.com", (443, 636)),
        ("mucdc3.example.com", (443, 636)),
        ("ldap.example.com", (443, 636)),
        ("server7.ad.example.com", (443, 636)),
        ("server7.firma.local", (443, 636)),
        ("<http://dc01.example.com|dc01.example.com>", (443, 636)),
        ("dc01:443", (443,)),
        ("https://dc01", (443,)),
        ("ldap://dc01", (389,)),
        ("portal.example.com", (443,)),
        ("adobe.example.com", (443,)),
        ("192.0.2.1", (443,)),
    ],
)
def test_a_directory_server_is_tried_on_both_ports(text: str, ports: tuple[int, ...]) -> None:
    found = candidates(parse_target(text))
    assert tuple(target.port for target in found) == ports
    assert {target.host for target in found} == {parse_target(text).host}


def test_candidates_for_another_protocol_are_the_target_itself() -> None:
    target = parse_target("dc01", Protocol.LDAP)
    assert candidates(target) == (target,)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("http://a/ and b.example", ["a:443", "b.example:443"]),
        ("https://a.example/x?y b.example:636", ["a.example:443", "b.example:636"]),
        ("a.example and b.example", ["a.example:443", "b.example:443"]),
        ("ldap://h.example/OU=IT st.aff,DC=corp", ["h.example:389"]),
    ],
)
def test_white_space_ends_a_url(text: str, addresses: list[str]) -> None:
    found = parse_targets(text)
    assert [t.address if isinstance(t, Target) else str(t) for t in found] == addresses


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("h1.example h2.example:636, h3.example 636;h4.example,1433",
         ["h1.example:443", "h2.example:636", "h3.example:636", "h4.example:1433"]),
        ("h1.example\nh2.example\r\n\r\nh1.example:443", ["h1.example:443", "h2.example:443"]),
        ("<http://h1.example|h1.example> <https://h2.example|the portal>",
         ["h1.example:443", "h2.example:443"]),
        ("ldap://h1:389 ldap://h2,ldaps://h3", ["h1:389", "h2:389", "h3:636"]),
        ("a.example\nldap://h/OU=All People,DC=x\ntelnet b.example 636", ["a.example:443", "h:389", "b.example:636"]),
        ("Server=tcp:sql.example,1433;Initial Catalog=x", ["sql.example:1433"]),
        ("dc01 dc02", ["dc01:443", "dc02:443"]),
        ("dc01 636 dc02 636", ["dc01:636", "dc02:636"]),
        ("", []),
    ],
)  # fmt: skip
def test_several_servers(text: str, addresses: list[str]) -> None:
    found = parse_targets(text)
    assert [target.address for target in found if isinstance(target, Target)] == addresses
    assert len(found) == len(addresses)


def test_a_bad_address_among_good_ones_keeps_its_place() -> None:
    first, bad, last = parse_targets("a.example b.example:0 c.example")
    assert isinstance(first, Target)
    assert isinstance(bad, TargetError)
    assert "b.example:0" in str(bad)
    assert isinstance(last, Target)


def test_a_sentence_is_one_error() -> None:
    (error,) = parse_targets("please look at dc01.corp.example")
    assert isinstance(error, TargetError)


def test_the_number_of_servers_is_bounded() -> None:
    found = parse_targets("\n".join(f"h{number}.example" for number in range(1000)), limit=5)
    assert [target.host for target in found if isinstance(target, Target)] == [
        f"h{number}.example" for number in range(5)
    ]
    assert "More than 5 servers" in str(found[-1])
    assert len(found) == 6


FRAGMENTS = st.sampled_from(
    [
        *"<>|[]():/\\@,;=*_-.%&'\"`“« \u00a0\u200b\n#?ü", "http://", "ldaps:", "jdbc:", "sqlserver", "tcp:", "://",
        "dc01", "xn--", "corp.example", "636", "port", "127.", "::1", "Server=", "openssl ", "-connect ",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(FRAGMENTS, max_size=12).map("".join))


@given(TEXTS, st.none() | st.sampled_from(Protocol))
@example("ws:" * 600 + "a", None)
@example("xn--" + "9" * 59, None)
@example("\ud800", None)
def test_any_text_gives_a_target_or_a_target_error(text: str, protocol: Protocol | None) -> None:
    message = ""
    try:
        target: Target | None = parse_target(text, protocol)
    except TargetError as error:
        target, message = None, str(error)
    if target is None:
        assert message.isprintable()
        return
    assert target.host == target.host.strip(".").lower()
    assert target.host.isascii()
    assert target.label.isprintable()
    assert 1 <= target.port <= 65535
    again = parse_target(target.address, target.protocol)
    assert (again.host, again.unicode_host, again.port, again.protocol, again.is_ip) == (
        target.host,
        target.unicode_host,
        target.port,
        target.protocol,
        target.is_ip,
    )


@given(
    st.lists(
        st.sampled_from([*"-.:0aZ", "ldap", "dc01", "corp", "636", "port", "tcp", "host"]),
        min_size=1,
        max_size=9,
    ).map("".join)
)
@example("dc01.corp.example:636")
@example("10.0.0.7")
@example("ldap.host:636")
@example("1.2:0")
@example("1.2:65536")
def test_a_plain_address_is_what_all_other_readers_would_make_of_it(text: str) -> None:
    if (plain := read_plain(text)) is not None:
        whole = unwrapped(unified(text))
        assert read_command(whole) is None
        assert read_connection_string(whole) is None
        assert read_endpoint(whole) == plain


@given(TEXTS)
def test_any_text_gives_a_bounded_list(text: str) -> None:
    assert len(parse_targets(text * 3, limit=3)) <= 4


@pytest.mark.parametrize("prefix", ["", "a=", "https://", "jdbc:sqlserver://"])
@pytest.mark.parametrize("unit", ["a.", ":", "<a", "[", "(", "\\a", "://", "ws:", "a=", "@", "a@:", "* ", "ü", "xn--", "tcp:"])  # fmt: skip
def test_hostile_texts_take_no_time(prefix: str, unit: str) -> None:
    started = time.process_time()
    parse_targets((prefix + unit * 2000)[:2000])
    assert time.process_time() - started < 10


@given(st.text(max_size=8), st.sampled_from(["postgres://u:{}@h.example/db", "u:{}@h.example"]))
def test_no_password_in_user_information_is_shown(beginning: str, form: str) -> None:
    (result, *more) = parse_targets(form.format(f"x{''.join(beginning.split())}SeSaM"))
    assert all("SeSaM" not in (str(entry) + repr(entry)) for entry in (result, *more))
