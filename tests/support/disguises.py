"""How PEM text arrives: what editors, chats, mail programs, consoles and programs make of it.

``DISGUISES`` maps a name to a function from PEM text to the bytes of a file.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

Disguise = Callable[[str], bytes]


def body(pem: str) -> str:
    """The Base64 of every block, each on its own lines, without BEGIN and END lines."""
    return "\n".join(line for line in pem.splitlines() if not line.startswith("-----"))


def _lines(change: Callable[[int, str], str]) -> Disguise:
    return lambda pem: "".join(
        change(number, line) + "\n" for number, line in enumerate(pem.splitlines(), 1)
    ).encode()


def _dashes(dash: str) -> Disguise:
    return lambda pem: pem.replace("-----", dash).encode()


def _ldif(pem: str) -> bytes:
    wrapped = re.sub(r"(.{76})(?=.)", r"\1\n ", "cACertificate;binary:: " + _joined(pem))
    return f"dn: CN=ca,DC=corp,DC=example\nobjectClass: top\n{wrapped}\n\n".encode()


def _joined(pem: str) -> str:
    return body(pem).replace("\n", "")


def _mime(pem: str) -> bytes:
    encoded = base64.encodebytes(pem.encode()).decode()
    return (
        'Content-Type: application/x-x509-ca-cert; name="root.crt"\n'
        f"Content-Transfer-Encoding: base64\n\n{encoded}\n--boundary--\n"
    ).encode()


def _kubernetes(pem: str) -> bytes:
    encoded = base64.b64encode(pem.encode()).decode()
    return (
        f"apiVersion: v1\ndata:\n  ca.crt: {encoded}\n  namespace: default\nkind: Secret\n".encode()
    )


def _java_literal(pem: str) -> bytes:
    lines = [f'        + "{line}\\n"' for line in pem.splitlines()]
    return (
        "    static final String PEM = \n" + "\n".join(lines).replace("+", " ", 1) + ";\n"
    ).encode()


#: PEM text that stays PEM: with BEGIN and END lines in some form.
MARKED: dict[str, Disguise] = {
    "plain": lambda pem: pem.encode(),
    "CRLF": lambda pem: pem.replace("\n", "\r\n").encode(),
    "CR": lambda pem: pem.replace("\n", "\r").encode(),
    "UTF-8 with a byte order mark": lambda pem: b"\xef\xbb\xbf" + pem.encode(),
    "UTF-16 little endian": lambda pem: b"\xff\xfe" + pem.encode("utf-16-le"),
    "UTF-16 big endian": lambda pem: b"\xfe\xff" + pem.encode("utf-16-be"),
    "UTF-16 little endian, no mark": lambda pem: pem.encode("utf-16-le"),
    "UTF-16 big endian, no mark": lambda pem: pem.encode("utf-16-be"),
    "UTF-32": lambda pem: pem.encode("utf-32"),
    "em dashes": _dashes("—–"),
    "en dashes": _dashes("–––––"),
    "hyphens": _dashes("‐‐‐‐‐"),
    "non-breaking hyphens": _dashes("‑‑‑‑‑"),
    "figure dashes": _dashes("‒‒‒‒‒"),
    "horizontal bars": _dashes("―――"),
    "minus signs": _dashes("−−−−−"),
    "full-width hyphens": _dashes("－－－－－"),
    "Windows-1252 dashes": lambda pem: pem.replace("-----", "—–").encode("cp1252", "replace"),
    "four hyphens": _dashes("----"),
    "six hyphens": _dashes("------"),
    "spaces after the hyphens": lambda pem: re.sub(r"(BEGIN|END)", r" \1", pem).encode(),
    "lower case": lambda pem: re.sub(r"-----.*-----", lambda m: m[0].lower(), pem).encode(),
    "no space in the mark": lambda pem: re.sub(r"(BEGIN|END) ", r"\1", pem).encode(),
    "one line": lambda pem: pem.replace("\n", "").encode(),
    "one line with spaces": lambda pem: pem.replace("\n", " ").encode(),
    "Base64 on one line": lambda pem: re.sub(r"(?<!-)\n(?!-)", "", pem).encode(),
    "double spaced": lambda pem: pem.replace("\n", "\n\n").encode(),
    "indented": _lines(lambda _, line: f"      {line}"),
    "tabs": _lines(lambda _, line: f"\t{line}\t"),
    "mail quote": _lines(lambda _, line: f"> {line}"),
    "nested mail quote": _lines(lambda _, line: f">> > {line}"),
    "line numbers": _lines(lambda number, line: f"{number:>4}\t{line}"),
    "line numbers with colons": _lines(lambda number, line: f"{number}: {line}"),
    "grep -n": _lines(lambda number, line: f"{number}:{line}"),
    "diff": _lines(lambda _, line: f"+{line}"),
    "shell comment": _lines(lambda _, line: f"# {line}"),
    "C++ comment": _lines(lambda _, line: f"// {line}"),
    "Markdown fence": lambda pem: f"Here it is:\n```pem\n{pem}```\nBest regards\n".encode(),
    "Markdown code span": lambda pem: f"`{pem.strip()}`".encode(),
    "Windows command prompt": lambda pem: f"C:\\certs\\new> type root.cer\n{pem}".encode(),
    "no-break spaces": lambda pem: pem.replace("-----BEGIN ", "-----BEGIN\u00a0").encode(),
    "zero-width spaces": lambda pem: re.sub(r"(\w{16})\n", "\\1\u200b\n", pem).encode(),
    "line separators": lambda pem: pem.replace("\n", "\u2028").encode(),
    "literal \\n": lambda pem: pem.replace("\n", "\\n").encode(),
    "literal \\r\\n": lambda pem: pem.replace("\n", "\\r\\n").encode(),
    "environment variable": lambda pem: f'CA_CERT="{pem.strip()}"\n'.replace("\n", "\\n").encode(),
    "JSON": lambda pem: json.dumps({"ca": pem, "name": "root"}, indent=2).encode(),
    "JSON in JSON": lambda pem: json.dumps({"x": json.dumps({"ca": pem})}).encode(),
    "JSON with escaped slashes": lambda pem: json.dumps({"ca": pem}).replace("/", "\\/").encode(),
    "JSON with escaped plus signs": lambda pem: (
        json.dumps({"ca": pem}).replace("+", "\\u002B").encode()
    ),
    "YAML": lambda pem: (
        "tls:\n  ca: |\n" + "".join(f"    {line}\n" for line in pem.splitlines())
    ).encode(),
    "YAML list": lambda pem: (
        "  - |\n" + "".join(f"    {line}\n" for line in pem.splitlines())
    ).encode(),
    "Java literal": _java_literal,
    "Python literal": lambda pem: (
        "PEM = (\n" + "".join(f"    b'{line}\\n'\n" for line in pem.splitlines()) + ")\n"
    ).encode(),
    "HTML": lambda pem: f"<p>{html.escape(pem)}</p>".replace("\n", "<br>\n").encode(),
    "HTML entities": lambda pem: "".join(
        f"&#{ord(c)};" if c in "-+/=" else c for c in pem
    ).encode(),
    "HTML spans": lambda pem: (
        re.sub(r"(-----[^-]*-----)", r"<span class='x'>\1</span>", pem)
        .replace("\n", "<br/>")
        .encode()
    ),
    "XML line ends": lambda pem: pem.replace("\n", "&#13;\n").encode(),
    "percent-encoded": lambda pem: quote(pem, safe="").encode(),
    "form-encoded": lambda pem: quote_plus(pem).encode(),
    "quoted-printable": lambda pem: (
        b"Content-Transfer-Encoding: quoted-printable\n\n" + quopri.encodestring(pem.encode())
    ),
    "URL-safe alphabet": lambda pem: "\n".join(
        line if line.startswith("-----") else line.replace("+", "-").replace("/", "_")
        for line in pem.splitlines()
    ).encode(),
    "no padding": lambda pem: pem.replace("=", "").encode(),
    "no line end before END": lambda pem: pem.replace("\n-----END", "-----END").encode(),
    "Base64 twice": lambda pem: base64.b64encode(pem.encode()),
    "Kubernetes secret": _kubernetes,
    "MIME attachment": _mime,
    "no last hyphens": lambda pem: pem.rstrip("-\n").encode(),
}

#: Nothing but the Base64 is left.
BARE: dict[str, Disguise] = {
    "bare Base64": lambda pem: body(pem).encode(),
    "bare Base64 on one line": lambda pem: _joined(pem).encode(),
    "bare Base64, CRLF": lambda pem: body(pem).replace("\n", "\r\n").encode(),
    "bare Base64, UTF-16": lambda pem: body(pem).encode("utf-16"),
    "bare Base64, quoted": lambda pem: "".join(f"> {x}\n" for x in body(pem).split("\n")).encode(),
    "bare Base64, numbered": lambda pem: "".join(
        f"{n} {x}\n" for n, x in enumerate(body(pem).split("\n"), 1)
    ).encode(),
    "bare Base64, double spaced": lambda pem: body(pem).replace("\n", "\n\n").encode(),
    "bare Base64 in a sentence": lambda pem: (
        f"Hello,\n\nthe root is:\n{body(pem)}\n\nRegards\nPeter".encode()
    ),
    "SAML metadata": lambda pem: (
        f"<KeyInfo><X509Data><X509Certificate>\n{body(pem)}\n</X509Certificate></X509Data></KeyInfo>"
    ).encode(),
    "JWKS": lambda pem: json.dumps({"keys": [{"kty": "RSA", "x5c": [_joined(pem)]}]}).encode(),
    "LDIF": _ldif,
    "shell variable": lambda pem: f"export ROOT={_joined(pem)}\n".encode(),
    "only END": lambda pem: pem.split("\n", 1)[1].encode(),
    "only BEGIN": lambda pem: pem.replace("-----END CERTIFICATE-----\n", "").encode(),
}

DISGUISES = MARKED | BARE
