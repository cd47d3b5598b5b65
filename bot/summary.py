"""The report's verdict in a sentence or two, and what to run where this machine does not reach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bot import report
from bot.pki.options import Advice, Option
from bot.pki.wording import quoted, quoted_all
from bot.probe.presented import ConnectTo
from bot.probe.protocols import PORTS, Protocol
from bot.probe.target import Target
from bot.text import visible

_FILE: Final = "chain.txt"
#: ``openssl s_client -starttls``.
_STARTTLS: Final = {
    Protocol.LDAP: "ldap",
    Protocol.SMTP: "smtp",
    Protocol.IMAP: "imap",
    Protocol.POP3: "pop3",
    Protocol.FTP: "ftp",
    Protocol.XMPP: "xmpp",
    Protocol.POSTGRESQL: "postgres",
    Protocol.MYSQL: "mysql",
}


def of_advice(advice: Advice, findings: Iterable[report.Finding]) -> str:
    """What to do, given the advice and every finding."""
    errors = [finding for finding in findings if finding.severity == "error"]
    if advice.recommended is None:
        return _nothing(advice, errors)
    what = _named(advice.recommended)
    if advice.verdict == "validated":
        text = f"Request {what}. {advice.recommended.reason}"
    else:
        text = (
            f"Have the system's owner confirm the fingerprint of {what}, then request it: Java will "
            "accept the server with it, but nobody vouches for it."
        )
    # What holds at every address stops a connector whatever is installed.
    obstacle = next((finding for finding in errors if not finding.addresses), None)
    return f"{text} The connector still will not connect: {obstacle.message}" if obstacle else text


def _nothing(advice: Advice, errors: list[report.Finding]) -> str:
    if advice.missing is not None:
        name = visible(advice.missing.wanted_by.issuer.short, 100)
        return (
            f'The certificate of the CA "{name}" is needed and could not be found: ask the IT team '
            "or the system's owner for it."
        )
    reason = f": {errors[0].message} {errors[0].remedy}".rstrip() if errors else "."
    return f"No certificate helps while the server is as it is{reason}"


def _named(option: Option) -> str:
    certificates = [known.certificate for known in option.certificates]
    if len(certificates) > 1:
        return f"these certificates together: {quoted_all(certificates)}"
    kind = {"root": "root", "intermediate": "intermediate", "server": "server's own"}[option.option]
    return f"the {kind} certificate {quoted(certificates[0])}"


def command(target: Target, connect: ConnectTo | None) -> str | None:
    """What to run on a machine that reaches ``target``, to have the chain as a file and a report on
    it here. None where OpenSSL does not speak the protocol's prelude."""
    if target.protocol is Protocol.MSSQL:
        return None
    host, port = (connect.host, connect.port or target.port) if connect else ("", target.port)
    where = host or target.host
    parts = [
        "openssl s_client -connect",
        f"[{where}]:{port}" if ":" in where else f"{where}:{port}",
    ]
    if starttls := _STARTTLS.get(target.protocol):
        parts.append(f"-starttls {starttls}")
    if target.protocol is Protocol.XMPP:
        parts.append(f"-xmpphost {target.host}")
    if target.protocol is Protocol.MSSQL_STRICT:
        parts.append("-alpn tds/8.0")
    parts.append("-noservername" if target.is_ip else f"-servername {target.host}")
    parts.append(f"-showcerts </dev/null > {_FILE}")
    check = f"whichroot check --chain {_FILE} {target.address}"
    if PORTS.get(target.port, Protocol.TLS) is not target.protocol:
        check += f" --protocol {target.protocol}"
    return f"{' '.join(parts)}\n{check}"
