"""What was wrong with a file and was put right, in sentences."""

from __future__ import annotations

from enum import StrEnum


class Repair(StrEnum):
    """Each value is the sentence that a person reads."""

    BYTE_ORDER_MARK = "The text began with a byte order mark, as Windows Notepad writes it."
    UTF_16 = "The text was UTF-16, as PowerShell's > and Notepad's \"Unicode\" write it."
    UTF_32 = "The text was UTF-32."
    DASHES = "The hyphens of the BEGIN and END lines had become typographic dashes."
    INVISIBLE = "Invisible characters, no-break spaces or unusual line ends stood in the text."
    PERCENT = "The text was percent-encoded, as in a URL or an HTTP header."
    MARKUP = "The text was wrapped in HTML or its characters were written as HTML entities."
    ESCAPES = (
        'Line breaks were written as "\\n", as in JSON, an environment variable or program code.'
    )
    QUOTED_PRINTABLE = "The text was quoted-printable, as in the source of a mail."
    MARKS = (
        "The BEGIN and END lines were not exactly five hyphens, the words in capitals and five "
        "hyphens."
    )
    LABELS = "The BEGIN and END lines named different things."
    PREFIX = "The lines were indented, quoted or numbered."
    ONE_LINE = "The BEGIN or END line and the Base64 stood on one line."
    NO_MARKS = "The Base64 had no BEGIN and END lines."
    NO_END = "An END line was missing, though the data were complete."
    BASE64_URL = "The Base64 used the URL-safe alphabet (- and _ for + and /)."
    BASE64_TWICE = "The PEM was Base64-encoded once more, as in a Kubernetes secret."
    PADDING = "The Base64's padding (=) was missing or stood in the wrong place."
    SEVERAL_IN_BLOCK = "One BEGIN and END pair held more than one certificate."
    TRUST_DATA = "OpenSSL's trust settings, which follow a TRUSTED CERTIFICATE, were cut off."
    TRAILING = "Bytes after the end of the certificate were cut off."
    HEX_DUMP = "The certificate was written as a hexadecimal dump."
