"""Addresses inside database connection strings and pasted commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from bot import patterns
from bot.errors import TargetError
from bot.probe.endpoint import EXAMPLE, Endpoint, read_endpoint
from bot.probe.pasted import unwrapped
from bot.probe.protocols import SCHEMES
from bot.redaction import redacted
from bot.text import visible

# Compiled when they are first used: few addresses are such strings.
_SETTING = r"\s*([a-z][\w. ]*?)\s*=\s*(\{[^}]*\}|\"[^\"]*\"|'[^']*'|[^;]*)(?:;|$)"
_LIBPQ_SETTING = r"([a-z]\w*)\s*=\s*('[^']*'|\S+)"
_INSTANCE = r"\\[^:;,/\\\s]+"
_HOST_KEYS = (
    *("server", "servername", "datasource", "host", "hostname"),
    *("address", "addr", "networkaddress"),
)
_URL_SETTING = patterns.lazy(r"[\w.-]+\s*[:=]\s*((?:jdbc:|[a-z][a-z0-9+.-]*://).*)", re.IGNORECASE)
_JDBC = patterns.lazy(r"jdbc:(?=[a-z])", re.IGNORECASE)

_OPTIONS = {
    "-connect": "address", "--connect": "address", "-sslserver": "address", "-H": "address",
    "-host": "host", "-h": "host", "-ComputerName": "host", "-cn": "host",
    "-port": "port", "-p": "port", "-Port": "port", "-starttls": "starttls",
}  # fmt: skip
_COMMANDS = frozenset(
    {"openssl", "keytool", "curl", "wget", "telnet", "nc", "ncat", "nmap", "ping"}
)
_COMMANDS |= {"nslookup", "dig", "ldapsearch", "tnc", "test-netconnection", "gnutls-cli"}
_OTHER_OPTIONS = frozenset(
    {"-servername", "-CAfile", "-CApath", "-cert", "-key", "-o", "-u", "-w", "-D", "-b"}
)
_STARTTLS = {"postgres": "postgresql", "xmpp-server": "xmpp", "lmtp": "smtp"}


def read_connection_string(text: str) -> Endpoint | None:
    """The endpoint of a JDBC URL, of ``key=value`` settings (ADO.NET, ODBC, libpq, a properties
    file's line) or of SQL Server's ``tcp:host\\instance,port``; None if ``text`` is none of these.

    Raises `TargetError` if it is one and names no reachable server.
    """
    setting = None if _JDBC.match(text) else _URL_SETTING.fullmatch(text)
    if setting:
        text = setting[1]
    if _JDBC.match(text):
        return _jdbc(text)
    if setting:
        return read_endpoint(text)
    if name := re.fullmatch(r"tcp:(?![0-9]+$)([^:/=;]+)", text, re.IGNORECASE):
        return _sql_server(text, name[1])
    if re.fullmatch(r"[^\\\s=;@]+\\[^\\\s=;@,]+,\s*[0-9]+", text):
        return _sql_server(text, text)
    return _settings(text)


def read_command(text: str) -> Endpoint | None:
    """The endpoint that a pasted command line (``openssl s_client``, ``keytool``, ``curl``, ``telnet``,
    ``ldapsearch`` …) connects to; None if ``text`` is no such command."""
    words = [word.strip("\"'") for word in text.split()]
    start = next((place for place, word in enumerate(words) if _command(word) in _COMMANDS), None)
    if (
        start is None
        or len(words) == start + 1
        or (start and "|" not in words and words[0] != "sudo")
    ):
        return None
    words = words[start + 1 :]
    words = words[: words.index("|")] if "|" in words else words
    options: dict[str, str] = {}
    values: list[str] = []
    for before, word in pairwise(["", *words]):
        if before in _OPTIONS:
            options[_OPTIONS[before]] = word
        elif not word.startswith("-") and word != "s_client" and before not in _OTHER_OPTIONS:
            values.append(word)
    scheme = options.get("starttls")
    url = next((word for word in values if "://" in word), None)
    address = options.get("address") or options.get("host") or url
    if address is None and values:
        address = " ".join(values[:2]) if values[1:] and values[1].isdecimal() else values[0]
    if address is None:
        raise TargetError(
            f'"{visible(redacted(text))}" is a command that names no server.', EXAMPLE
        )
    if "port" in options:
        address = f"{address} {options['port']}"
    endpoint = read_endpoint(unwrapped(address))
    scheme = _STARTTLS.get(scheme, scheme) if scheme else None
    return Endpoint(scheme if scheme in SCHEMES else endpoint.scheme, endpoint.host, endpoint.port)


def _command(word: str) -> str:
    return word.lower().removesuffix(".exe")


def _jdbc(text: str) -> Endpoint:
    drivers, _, rest = text[5:].partition("://")
    names = [name.lstrip("@").lower() for name in drivers.split(":")]
    scheme = next((name for name in reversed(names) if name in SCHEMES), None)
    if scheme is None:
        raise TargetError(
            f'"{visible(redacted(text))}" is a JDBC URL of a kind that is not known here.',
            "Write the database server as host:port, its port for TLS: for Oracle the tcps port, "
            "for example db01.corp.example:2484.",
        )
    address, _, tail = rest.partition(";")
    settings = _pairs(_SETTING, tail)
    if SCHEMES[scheme][0] != SCHEMES["sqlserver"][0]:
        return read_endpoint(f"{scheme}://{rest}")
    if settings.get("encrypt", "").lower() == "strict":
        scheme = "mssql-strict"
    address = address.partition("?")[0]
    host, port = settings.get("servername") or settings.get("server"), settings.get("port")
    port = settings.get("portnumber", port)
    if not re.match(r"[^/\s]", address) and host:
        address = host
    instance = re.search(_INSTANCE, address)
    address = re.sub(_INSTANCE, "", address)
    endpoint = read_endpoint(f"{scheme}://{address}{':' + port if port else ''}")
    if endpoint.port is None and (instance or "instancename" in settings):
        raise _instance_without_port(text)
    return endpoint


def _settings(text: str) -> Endpoint | None:
    if not re.match(r"[a-z][\w. ]*=", text, re.IGNORECASE):
        return None
    pairs = _pairs(_SETTING if ";" in text else _LIBPQ_SETTING, text)
    key = next((key for key in _HOST_KEYS if pairs.get(key)), None)
    if key is None:
        return None
    host, port, driver = pairs[key], pairs.get("port"), pairs.get("driver", "").lower()
    if "postgres" in driver or "dbname" in pairs or ("host" in pairs and "username" in pairs):
        scheme = "postgresql"
    elif "mysql" in driver or "mariadb" in driver or "sslmode" in pairs:
        scheme = "mysql"
    elif port is None and key not in ("host", "hostname"):
        scheme = "mssql-strict" if pairs.get("encrypt", "").lower() == "strict" else "mssql"
        found = _sql_server(text, re.sub(r"^tcp:", "", host, flags=re.IGNORECASE))
        return Endpoint(scheme, found.host, found.port)
    else:
        return read_endpoint(f"{host} {port}" if port else host)
    return read_endpoint(f"{scheme}://{host}{':' + port if port else ''}")


def _sql_server(text: str, name: str) -> Endpoint:
    """SQL Server's ``host[\\instance][,port]``."""
    plain = re.sub(_INSTANCE, "", name)
    if re.fullmatch(r"\(.*\)|\.|", plain) or name.startswith("\\"):
        raise TargetError(
            f'"{visible(redacted(text))}" names a server on the same machine only.', EXAMPLE
        )
    endpoint = read_endpoint(plain)
    if endpoint.port is None and plain != name:
        raise _instance_without_port(text)
    return Endpoint("mssql", endpoint.host, endpoint.port)


def _instance_without_port(text: str) -> TargetError:
    return TargetError(
        f'"{visible(redacted(text))}" names an instance of SQL Server, and each instance has its own port.',
        "Write the port too, for example sql01.corp.example:1433 (SQL Server Configuration Manager shows it).",
    )


def _pairs(pattern: str, text: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for key, value in re.findall(pattern, text, re.IGNORECASE):
        if value[:1] + value[-1:] in ('""', "''", "{}"):
            value = value[1:-1]
        found.setdefault(re.sub(r"[\s_.]", "", key).lower(), value.strip())
    return found
