"""One address as people write it, a URL or words, → scheme, host and port."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace

from bot import patterns
from bot.errors import TargetError
from bot.probe.protocols import SCHEMES
from bot.records import record
from bot.redaction import redacted
from bot.text import visible

#: As nearly everybody writes it: a name with a dot in it or an IPv4 address, and perhaps a port.
_PLAIN = patterns.lazy(r"([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(?::([0-9]{1,5}))?")

EXAMPLE = "Write one server as host:port or as a URL, for example dc01.corp.example:636."

_URL = patterns.lazy(r"([a-z][a-z0-9+._-]*)://\s*(.*)", re.IGNORECASE | re.DOTALL)
_SLIP = patterns.lazy(  # https:/h, https//h, https:\\h
    rf"({'|'.join(sorted(SCHEMES, key=len, reverse=True))})(?:\s*[:;]\s*[/\\]+|//+)\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_NO_TLS = {
    "ldapi": "names a local socket of an LDAP server, which is not reached over the network",
    "cldap": "names LDAP over UDP, which has no TLS",
    "ssh": "names an SSH server, which has host keys and no certificate of this kind",
    "file": "names a file",
    "smb": "names a file share, which has no TLS certificate",
    "mongodb+srv": "names an SRV record, which lists servers and is none itself",
}
_NO_TLS |= {"sftp": _NO_TLS["ssh"], "scp": _NO_TLS["ssh"], "cifs": _NO_TLS["smb"]}
_HOST_WORDS = frozenset({"host", "hostname", "server", "url", "uri", "address", "name", "fqdn"})
_FILLERS = _HOST_WORDS | {
    "port",
    "on",
    "at",
    "via",
    "over",
    "using",
    "with",
    "and",
    "tcp",
    "starttls",
}
_FILLERS |= {"-p", "-port", "--port", "-", ":", "/", "=", "|"}
_BEFORE_PORT = patterns.lazy(r"(?:\s*[,;|]\s*|\s+:\s*|:\s+)(?=[0-9]{1,5}(?:\s|/|$))")
_PORT_WORD = patterns.lazy(r"(?:port[:=]|tcp/)?([0-9]+)(?:/tcp)?", re.IGNORECASE)
#: White space ends a URL. In a directory's URL it may be part of a name: ``/OU=IT staff,DC=corp``.
_ANOTHER_HOST = r"^[^=]*?\s(?:[\w-]+\.)+[\w-]+\.?(?::[0-9]+)?(?:/\S*)?(?:[\s,;]|$)"
_HEX_AND_COLONS = patterns.lazy(r"(?=[^:]*:[^:]*:)[0-9a-f:.]+(?:%.*)?", re.IGNORECASE)


@record
class Endpoint:
    """What an address says. ``scheme``: a key of `SCHEMES`, or None if none was written; ``host``:
    as written, IPv6 without brackets; ``port``: 1 to 65535, or None if none was written."""

    scheme: str | None
    host: str
    port: int | None


def read_plain(text: str) -> Endpoint | None:
    """The endpoint of a plain ``dc01.corp.example:636``: what all the other readers would make of it,
    at once. None if ``text`` is anything else."""
    plain = _PLAIN.fullmatch(text)
    if plain is None or (plain[2] and not 1 <= int(plain[2]) <= 65535):
        return None
    return Endpoint(None, plain[1], int(plain[2]) if plain[2] else None)


def read_endpoint(text: str) -> Endpoint:
    """The endpoint in ``text``, which is `unified` and `unwrapped`: a URL, ``host``, ``host:port``,
    ``host port``, ``host,port``, ``host port ldaps`` … The host is not checked here.

    Raises `TargetError` if there is none, more than one, or a port that cannot be.
    """
    url = _URL.match(text) or _SLIP.match(text)
    return _from_url(text, url) if url else _from_words(text)


def _from_url(text: str, url: re.Match[str]) -> Endpoint:
    while inner := _URL.match(url[2]):  # https://ldaps://h: a prefix too many
        url = inner
    scheme, rest = url[1].lower(), url[2]
    if scheme in _NO_TLS:
        raise TargetError(f'"{_shown(text)}" {_NO_TLS[scheme]}.', EXAMPLE)
    if scheme != "tcp" and scheme not in SCHEMES:
        raise TargetError(
            f'"{_shown(text)}" begins with "{visible(scheme)}://", which is not known here.',
            "Write host:port, or a URL that begins with https, ldaps, ldap, smtp, imap, pop3, ftp, "
            "xmpp, postgresql, mysql or mssql.",
        )
    authority, rest = _authority(rest if "=" in rest else rest.lstrip("/"))
    if not authority:
        raise TargetError(f'"{_shown(text)}" names no host.', _example_from_dn(rest))
    words = rest.split() if rest[:1].isspace() else []
    if re.search(r"\s\S*://|,[a-z+]+://", url[2], re.IGNORECASE) or re.search(_ANOTHER_HOST, rest):
        raise _several(text)
    endpoint = _host_and_port(text, authority)
    if len(words) == 1 and words[0].isdecimal() and endpoint.port is None:
        endpoint = replace(endpoint, port=_port(text, words[0]))
    elif words:
        raise _several(text)
    return replace(endpoint, scheme=scheme if scheme != "tcp" else None)


def _authority(rest: str) -> tuple[str, str]:
    """Host and port, without user information, and what follows them (RFC 3986 section 3.2).

    A password with an unescaped ``/`` is read as one: it must not become a host that is shown."""
    authority = re.split(r"[/?#;\\\s]", rest, maxsplit=1)[0]
    if "@" not in authority and "@" in rest:
        after = authority.partition(":")[2]
        if after and not after.isdecimal() and not authority.startswith("["):
            authority = rest[: rest.rindex("@")] + "@"
            authority += re.split(r"[/?#;\\\s]", rest[len(authority) :], maxsplit=1)[0]
    return authority.rpartition("@")[2], rest[len(authority) :]


def _from_words(text: str) -> Endpoint:
    words = [word.strip("()") for word in _BEFORE_PORT.sub(" ", text).split()]
    words = [word for word in words if word] or [""]
    tokens = [word for word in words if word.lower().rstrip(":=") not in _FILLERS] or words[:1]
    ports, schemes, hosts = [], [], []
    for token in tokens:
        match = _PORT_WORD.fullmatch(token)
        if match and (len(words) > 1 or match[1] == token):
            ports.append(match[1])
        elif token.lower() in SCHEMES and len(tokens) > 1:
            schemes.append(token.lower())
        else:
            hosts.append(token)
    if not hosts and schemes:
        hosts.append(schemes.pop(0))
    if (
        not hosts and ports == words and len(words) == 1 and len(words[0]) > 5
    ):  # an address as one number
        hosts.append(ports.pop())
    if not hosts and len(tokens) == 1 and words[0].lower() in _HOST_WORDS:
        hosts.append(words[0])
    if not hosts:
        raise _only_numbers(text, ports)
    if len(hosts) > 1 or len(ports) > 1 or len(schemes) > 1:
        raise _several(text)
    endpoint = (
        read_endpoint(hosts[0])
        if "://" in hosts[0] and len(tokens) > 1
        else _one_word(text, hosts[0])
    )
    if ports and endpoint.port is not None:
        raise TargetError(f'"{_shown(text)}" names two ports.', "Write one port, or two addresses.")
    return replace(
        endpoint,
        scheme=schemes[0] if schemes else endpoint.scheme,
        port=_port(text, ports[0]) if ports else endpoint.port,
    )


def _one_word(text: str, word: str) -> Endpoint:
    if "\\" in word:
        raise TargetError(
            f'"{_shown(text)}" names a file share, an account or a database instance.',
            "Write the server and the port, for example dc01.corp.example:636 or sql01.corp.example:1433.",
        )
    authority, rest = _authority(word)
    user = word[: len(word) - len(authority + rest)]
    if user and ":" not in user:
        raise TargetError(
            f'"{_shown(text)}" is an e-mail address or an account.',
            f"Write the server's name, for example {visible(authority) or 'mail.corp.example'}.",
        )
    if "=" in authority:
        raise TargetError(f'"{_shown(text)}" is no address of a server.', _example_from_dn(word))
    network = re.fullmatch(r"\[?([0-9a-f:.]+)\]?/([0-9]{1,3})", word, re.IGNORECASE)
    if network and _is_ip(network[1]):
        raise TargetError(
            f'"{_shown(text)}" is a network, and a certificate is fetched from one server.',
            f"Write one address, for example {visible(network[1])}, or the server's name.",
        )
    return _host_and_port(text, authority)


def _host_and_port(text: str, authority: str) -> Endpoint:
    scheme = None
    if bracketed := re.fullmatch(r"\[([^\[\]]*)\]\.?(?::([^:]*))?", authority):
        host, port = bracketed[1], bracketed[2] or ""
    elif _HEX_AND_COLONS.fullmatch(authority):
        host, _, port = authority.rpartition(":")
        if authority.count(":") != 8 or not _is_ip(host):  # eight groups and a ninth: a port
            host, port = authority, ""
    else:
        host, _, port = authority.partition(":")
        while host.lower() in SCHEMES and re.match(r"[a-z]", port, re.IGNORECASE):
            if port.lower() in SCHEMES:  # ldap:ldaps is a host and a port, ldaps:host is not
                break
            scheme = host.lower()
            host, _, port = port.partition(":")
        if not port and "," in host:
            host, _, port = host.partition(",")
    if not host:
        raise TargetError(f'"{_shown(text)}" names no host.', EXAMPLE)
    if not port:
        return Endpoint(scheme, host, None)
    if port.lower() in SCHEMES:  # host:ldaps
        return Endpoint(port.lower(), host, None)
    if "," in authority and not port.isdecimal():
        raise _several(text)
    return Endpoint(scheme, host, _port(text, port))


def _port(text: str, port: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", port) or not 1 <= int(port) <= 65535:
        raise TargetError(
            f'"{_shown(text)}" has no valid port: a port is one number from 1 to 65535.',
            "For example, write dc01.corp.example:636.",
        )
    return int(port)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _example_from_dn(text: str) -> str:
    domain = ".".join(re.findall(r"\bdc\s*=\s*([a-z0-9-]+)", text, re.IGNORECASE))
    return f"Write the directory's name: {domain}:636." if domain else EXAMPLE


def _only_numbers(text: str, numbers: list[str]) -> TargetError:
    if len(numbers) == 1:
        return TargetError(
            f'"{_shown(text)}" is only a port.',
            f"Write the server too, for example dc01.corp.example:{numbers[0].lstrip('0') or 636}.",
        )
    return TargetError(f'"{_shown(text)}" names no server.', EXAMPLE)


def _several(text: str) -> TargetError:
    if re.search(r"exception|PKIX|handshake|certification path", text):
        return TargetError(
            f'"{_shown(text)}" is an error message and names no server to connect to.',
            "To learn what it means, have it explained; to check a server, write its address, "
            "for example dc01.corp.example:636.",
        )
    return TargetError(f'"{_shown(text)}" is more than the address of one server.', EXAMPLE)


def _shown(text: str) -> str:
    return visible(redacted(text))
