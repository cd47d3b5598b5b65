"""DER written in a text without BEGIN and END lines: Base64, once or twice, and hexadecimal dumps.

Where it ends is told by its own length, so that it is found in anything: mail, JSON, XML, LDIF, code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.pki.formats.blobs import Blob, declared_size, decode_base64
from bot.pki.formats.kinds import recognise
from bot.pki.formats.pem import NUMBERED_LINE, blank
from bot.pki.formats.repairs import Repair
from bot.text import visible

#: A SEQUENCE in Base64, or Base64 of "-----B".
_START = re.compile(r"(?<![A-Za-z0-9+/_])(?:M[A-I][A-Za-z0-9+/_-]{2}|LS0tLS1C)")
_PEM_TWICE = "LS0tLS1C"
#: The next one of several that stand right behind each other, lines broken anywhere.
_NEXT = re.compile(r"={0,2}\s{0,8}(?=M\s{0,8}I\s{0,8}[A-P])")
_RUN = re.compile(r"[A-Za-z0-9+/_-]+")
#: What may stand between two runs of the same Base64: line ends, quoting, concatenation.
_BETWEEN = re.compile(r"[\s>|\"'`,;\\*#•]*")
_BLANK_LINE = re.compile(r"\n[ \t>|]*\n")
#: Below this, something that starts like DER and is not is taken for a word.
_WORTH_A_WORD = 100
#: How much of a text is looked at for line numbers, and how many lines must have them.
_SAMPLE = 100_000
_COUNTED_LINES = 5

_HEX_START = re.compile(r"(?<![0-9A-Fa-f])30(?:[\s:,;-]|0[xX]|\\x){0,4}(?:8[0-4]|[2-7][0-9A-Fa-f])")
_HEX_OCTET = re.compile(r"(?:[\s:,;-]|0[xX]|\\x|\\\n){0,8}([0-9A-Fa-f]{2})")
#: An address, then octets one by one (certutil, hexdump) or in groups (xxd), behind the lines of
#: certutil's tree.
_DUMP_LINE = re.compile(
    r"^[ \t>]{0,8}(?:0[xX])?([0-9A-Fa-f]{4,16})[: \t][ \t|]{0,80}"
    r"((?:(?:[0-9A-Fa-f]{2}){1,8}[ \t-]{1,3}){0,64}(?:[0-9A-Fa-f]{2}){1,8})(?![0-9A-Za-z])",
    re.MULTILINE,
)


def find(text: str) -> tuple[list[Blob], bool]:
    """Everything found in ``text``, in order, and whether it was searched to its end.

    The work is bounded by a few times the length of the text.
    """
    work = _Work(2 * len(text) + (1 << 19))
    if _is_numbered(text):
        lines = text.split("\n")
        plain = "\n".join(NUMBERED_LINE.sub(blank, line, count=1) for line in lines)
        found = list(_dumps(text)) or [_numbered(blob) for blob in _base64(plain, work)]
    else:
        found = [*_base64(text, work), *_dumps(text)]
    if not found:
        found = list(_hexadecimal(text, work))
    return sorted(found, key=lambda blob: blob.position), work.left > 0


class _Work:
    """How many characters may still be looked at again."""

    def __init__(self, left: int) -> None:
        self.left = left


def _is_numbered(text: str) -> bool:
    """Whether five of the first lines that are not empty, one behind the other, are counted."""
    last, counted = -1, 0
    for line in filter(str.strip, text[:_SAMPLE].split("\n")):
        match = NUMBERED_LINE.match(line)
        number = int(match[1]) if match else -1
        counted = counted + 1 if match and number == last + 1 else int(match is not None)
        if counted == _COUNTED_LINES:
            return True
        last = number
    return False


def _numbered(blob: Blob) -> Blob:
    blob.repairs.append(Repair.PREFIX)
    return blob


def _base64(text: str, work: _Work) -> Iterator[Blob]:
    position = 0
    while work.left > 0 and (match := _START.search(text, position)):
        start: int | None = match.start()
        while start is not None:
            find_one = _encoded_twice if text.startswith(_PEM_TWICE, start) else _element
            blob, position = find_one(text, start, work)
            if blob:
                yield blob
            following = _NEXT.match(text, position) if blob and blob.data else None
            start = following.end() if following else None


def _encoded_twice(text: str, start: int, work: _Work) -> tuple[Blob | None, int]:
    digits, end = _collect(text, start, len(text), work, blank_lines=False)
    blob = Blob(start, repairs=[Repair.BASE64_TWICE])
    # What follows on the next line, such as the next key of a YAML file, may be Base64 letters too.
    decode_base64(_padded(digits if len(digits) % 4 != 1 else digits[:-1]), blob)
    return (blob if blob.data else None), end


def _element(text: str, start: int, work: _Work) -> tuple[Blob | None, int]:
    """The one element that starts at ``start``, and where to look on."""
    head, _ = _collect(text, start, 8, work, blank_lines=False)
    header = Blob(start)
    decode_base64(head[: len(head) - len(head) % 4], header)
    size = declared_size(header.data)
    indefinite = header.data[:2] == b"\x30\x80"
    following = _START.match(text, start)
    next_position = following.end() if following else start + 1
    if size < 32 and not indefinite:
        return None, next_position
    need = -(-size * 4 // 3) if size else len(text)
    problem = ""
    for blank_lines in (False, True):
        blob = Blob(start, repairs=[Repair.NO_MARKS])
        digits, end = _collect(text, start, need, work, blank_lines=blank_lines)
        if len(digits) >= need or indefinite:
            decode_base64(_padded(digits[:need]), blob)
            blob.data = blob.data[: size or None]
            if recognise(blob.data):
                return blob, end
        elif not problem:
            problem = _shortage(text, end, size, len(digits))
            short, short_end = digits, end
    if problem and len(short) >= _WORTH_A_WORD and short.startswith("MII"):
        return Blob(start, problem=problem), short_end
    return None, next_position


def _padded(digits: str) -> str:
    return digits + "=" * (-len(digits) % 4)


def _shortage(text: str, end: int, size: int, digits: int) -> str:
    there = digits * 3 // 4
    stopper = text[end : end + 1].strip()
    if stopper and stopper != "=":
        return f'stops being Base64 at "{visible(stopper)}" after {there:,} of its {size:,} bytes'
    return f"is cut off: it is {size:,} bytes long and {there:,} of them are there"


def _collect(
    text: str, start: int, need: int, work: _Work, *, blank_lines: bool
) -> tuple[str, int]:
    """Up to ``need`` Base64 characters from ``start`` on, and where the last of them ends."""
    runs: list[str] = []
    length, position, end = 0, start, start
    while length < need and work.left > 0 and (run := _RUN.match(text, position)):
        runs.append(run[0][: need - length])
        end = run.start() + len(runs[-1])
        length += len(runs[-1])
        between = _BETWEEN.match(text, run.end())
        position = between.end() if between else run.end()
        work.left -= position - run.start() + 8
        if text.startswith("=", run.end()):
            break
        if not blank_lines and _BLANK_LINE.search(text, run.end(), position):
            break
    return "".join(runs), end


def _dumps(text: str) -> Iterator[Blob]:
    """Dumps with an address before each line: every address must be the sum of what came before."""
    octets = bytearray()
    start, base = 0, 0
    for match in _DUMP_LINE.finditer(text):
        address = int(match[1], 16)
        if octets and base < address <= base + len(octets):
            # The text column behind the octets may look like octets: the next address tells.
            del octets[address - base :]
        else:
            yield from _dump(start, octets)
            octets, start, base = bytearray(), match.start(), address
        octets += bytes.fromhex("".join(match[2].replace("-", " ").split()))
    yield from _dump(start, octets)


def _dump(start: int, octets: bytearray) -> Iterator[Blob]:
    size = declared_size(bytes(octets[:8]))
    data = bytes(octets[:size]) if size else b""
    if size >= 32 and size <= len(octets) and recognise(data):
        yield Blob(start, data, repairs=[Repair.HEX_DUMP])
    elif size > _WORTH_A_WORD and size > len(octets) > _WORTH_A_WORD:
        problem = f"is cut off: it is {size:,} bytes long and {len(octets):,} of them are there"
        yield Blob(start, problem=problem)


def _hexadecimal(text: str, work: _Work) -> Iterator[Blob]:
    """Hexadecimal digits without addresses, as in SQL, C or a debugger."""
    position = 0
    while work.left > 0 and (match := _HEX_START.search(text, position)):
        octets = bytearray()
        size, end = 8, match.start()
        while len(octets) < size and (octet := _HEX_OCTET.match(text, end)):
            octets.append(int(octet[1], 16))
            end = octet.end()
            if len(octets) == 8:
                size = max(declared_size(bytes(octets)), 8)
        work.left -= 3 * len(octets) + 16
        position = match.start() + 2
        if len(octets) == size > 32 and recognise(bytes(octets)):
            yield Blob(match.start(), bytes(octets), repairs=[Repair.HEX_DUMP])
            position = end
