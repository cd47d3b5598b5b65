"""BEGIN and END lines (RFC 7468) and what stands between them, also where a person or a program has
bent them."""

from __future__ import annotations

import re
from dataclasses import field
from itertools import islice

from bot.pki.formats.blobs import Blob, decode_base64
from bot.pki.formats.repairs import Repair
from bot.records import record

_MARK = re.compile(
    r"-[ \t]{0,4}(BEGIN|END)[ \t]{0,4}([A-Z0-9][A-Z0-9 .#]{0,60}?)[ \t]{0,4}(?:(-{5}|-[- ]{0,20}-|-)|$)",
    re.IGNORECASE | re.MULTILINE,
)
#: More than twice as many as certificates are read from one file.
MAX_MARKS = 4_000
_MAX_CANDIDATES = 50_000
_LABELS = re.compile(r"CERT|KEY|PKCS|CMS|CRL|PARAM|SESSION|PGP|SIGNEDDATA|REQUEST")
_HEADER = re.compile(r"^[A-Za-z][A-Za-z0-9-]{0,60}: ")
_LINE_NUMBER = re.compile(r"^\s{0,20}\d{1,6}[:.|)\]]?[ \t]*$")
NUMBERED_LINE = re.compile(r"^\s{0,20}(\d{1,6})(?:[:.|)\]][ \t]*|[ \t]+)")
_KEY_NAMES = {
    "": "private key (PKCS#8)",
    "ENCRYPTED": "encrypted private key (PKCS#8)",
    "RSA": "RSA private key (PKCS#1)",
    "EC": "EC private key (SEC 1)",
    "DSA": "DSA private key",
    "OPENSSH": "OpenSSH private key",
    "SSH2ENCRYPTED": "encrypted SSH private key",
    "PGP": "PGP private key",
}
#: Before a line's Base64 stand quoting marks, bullets and code fences of mail, chat and Markdown.
_QUOTING = " \t>|*#`\"'•"
_TRAILING = " \t`\"'\\,;"


@record
class Mark:
    """A BEGIN or END line: where it starts and ends, its label in capitals without spaces, and
    whether it is written exactly as RFC 7468 has it."""

    start: int
    end: int
    begins: bool
    label: str
    exact: bool


@record(frozen=False)
class Blocks:
    """What stands between BEGIN and END lines, the BEGIN lines without an END, and the text with
    all of these blanked out."""

    blobs: list[Blob] = field(default_factory=list)
    unclosed: list[Mark] = field(default_factory=list)
    rest: str = ""


def marks(text: str) -> list[Mark]:
    """The BEGIN and END lines of ``text``, in order, at most MAX_MARKS. Dashes must be hyphens."""
    found: list[Mark] = []
    for match in islice(_MARK.finditer(text), _MAX_CANDIDATES):
        label = re.sub(r"[^A-Z0-9]", "", match[2].upper())
        if not _LABELS.search(label):
            continue
        # Without a last line end, cat puts ten hyphens in a row: the first five are the END's.
        earliest = max(match.start() - 20, found[-1].end if found else 0)
        start = match.start()
        while start > earliest and text[start - 1] in "- ":
            start -= 1
        start += len(text[start : match.start()]) - len(text[start : match.start()].lstrip(" "))
        written = text[start : match.end()]
        exact = written == f"-----{match[1].upper()} {match[2].upper()}-----"
        found.append(Mark(start, match.end(), match[1].upper() == "BEGIN", label, exact))
        if len(found) == MAX_MARKS:
            break
    return found


def blocks(text: str, *, exact: bool = False) -> Blocks:
    """The blocks of ``text``; with ``exact`` only those that need no repair.

    A BEGIN line without its END is not a block: where its Base64 ends is for the caller to find
    out. Of a private key only the label is kept.
    """
    found = Blocks()
    rest: list[str] = []
    position = 0
    all_marks = marks(text)
    for index, mark in enumerate(all_marks):
        following = all_marks[index + 1] if index + 1 < len(all_marks) else None
        end = mark.end
        if mark.start < position or (exact and not mark.begins):
            continue
        if mark.begins:
            closed = following is not None and not following.begins
            stop = following.start if following else len(text)
            if "PRIVATEKEY" in mark.label:
                blob = Blob(mark.start, label=mark.label)
                end = following.end if closed and following else stop
            elif closed and following:
                blob = _block(text, mark, following)
                end = following.end
                if exact and (blob.repairs or blob.problem):
                    continue
            elif exact:
                continue
            else:
                found.unclosed.append(mark)
                blob = None
            if blob:
                found.blobs.append(blob)
        rest += (text[position : mark.start], blank(text[mark.start : end]))
        position = end
    found.rest = "".join((*rest, text[position:]))
    return found


def _block(text: str, begin: Mark, end: Mark) -> Blob:
    blob = Blob(begin.start, label=begin.label)
    body = text[begin.end : end.start].strip("-")
    if not (begin.exact and end.exact):
        blob.repairs.append(Repair.MARKS)
    if begin.label != end.label:
        blob.repairs.append(Repair.LABELS)
    prefix = text[text.rfind("\n", 0, begin.start) + 1 : begin.start]
    if body.strip(" \t")[:1] != "\n" or not body.rstrip(" \t>|").endswith("\n"):
        blob.repairs.append(Repair.ONE_LINE)
    lines = body.split("\n")
    plain = unquoted(lines, prefix)
    if prefix.strip(_QUOTING + ":0123456789.)]"):
        prefix = ""  # something else on the line, such as the name of a variable
    if prefix or [line.strip() for line in lines] != plain:
        blob.repairs.append(Repair.PREFIX)
    decode_base64("\n".join(_without_headers(plain)), blob)
    if not blob.data and not blob.problem:
        blob.problem = "is empty"
    return blob


def unquoted(lines: list[str], prefix: str) -> list[str]:
    """``lines`` without the quoting, numbering or other prefix that the BEGIN line has too."""
    if _LINE_NUMBER.match(prefix):
        lines = [NUMBERED_LINE.sub("", line, count=1) for line in lines]
    else:
        common = prefix.strip()
        if common and all(line.lstrip().startswith(common) for line in lines[1:-1]):
            lines = [line.lstrip().removeprefix(common) for line in lines]
    return [line.lstrip(_QUOTING).rstrip(_TRAILING) for line in lines]


def _without_headers(lines: list[str]) -> list[str]:
    """RFC 1421 §4.4: ``Proc-Type: …`` and its kin, up to the first other line."""
    start = next((i for i, line in enumerate(lines) if line and not _HEADER.match(line)), 0)
    return lines[start:]


def blank(text: str | re.Match[str]) -> str:
    """As many characters, and line ends where they were, so that positions stay."""
    return re.sub(r"[^\n]", " ", text if isinstance(text, str) else text[0])


def private_key_name(label: str) -> str:
    """What a private key with this label (capitals, no spaces) is called."""
    return _KEY_NAMES.get(label.partition("PRIVATEKEY")[0], "private key")
