"""The report's verdict in a sentence or two, and what to run where this machine does not reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from bot import report
from bot.pki.options import Advice, Option
from bot.pki.wording import quoted, quoted_all
from bot.probe.presented import ConnectTo, ProbeFinding
from bot.probe.protocols import PORTS, Protocol
from bot.probe.target import Target
from bot.text import authority, visible

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

#: Errors of an address that was not reached, or not far enough to tell what is there.
_BEFORE_THE_SERVER: Final = frozenset(
    {"unresolvable", "resolve_timeout", "egress_denied", "proxy_failed", "no_route"}
    | {"connect_timeout", "connection_refused", "connection_reset"}
)


#: Errors of a server that answers in plain words: from elsewhere it would say the same.
_IN_PLAIN_WORDS: Final = frozenset({"plaintext", "prelude_refused", "prelude_unexpected"})


def is_in_plain_words(code: str) -> bool:
    """Whether an error with this code tells what a server speaks in place of TLS."""
    return code in _IN_PLAIN_WORDS


def is_from_server(code: str) -> bool:
    """Whether an error with this code tells what a server did that was reached."""
    return code not in _BEFORE_THE_SERVER


def of_errors(errors: Sequence[ProbeFinding]) -> str:
    """Why there is no certificate, given the error of each address. What a server did that was
    reached tells most."""
    found = next((error for error in errors if is_from_server(error.code)), None)
    if found is not None:
        return f"The server was reached, but showed no certificate. {found.message} {found.remedy}".rstrip()
    if not errors:
        return "There is no certificate."
    return f"{errors[0].message} {errors[0].remedy}".rstrip()


def of_advice(advice: Advice, findings: Iterable[report.Finding]) -> str:
    """What to do, given the advice and every finding."""
    findings = tuple(findings)
    errors = [finding for finding in findings if finding.severity == "error"]
    if advice.recommended is None:
        return _nothing(advice, errors)
    what = _named(advice.recommended)
    if any(finding.code == "installed_suffices" for finding in findings) and not any(
        finding.code.startswith("installed_") and finding.severity != "info" for finding in findings
    ):
        text = (
            "Nothing need be requested: Java accepts the server with what is installed today. The "
            f"best for a connector that has nothing installed is {what}."
        )
    elif advice.verdict == "validated":
        text = f"Request {what}. {advice.recommended.reason}"
    else:
        text = (
            f"Have the system's owner confirm the fingerprint of {what}, then request it: with it, "
            "Java accepts the server."
        )
    # What holds at every address stops a connector whatever is installed.
    obstacle = next(
        (f for f in errors if not f.addresses and not f.code.startswith("installed_")), None
    )
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
        authority(where, port),
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
