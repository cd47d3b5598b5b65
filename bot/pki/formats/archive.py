"""The files in a zip archive, within bounds."""

from __future__ import annotations

import io
import zipfile
from dataclasses import field

from bot.records import record

MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
MAX_ENTRIES = 1_000
#: What all files in an archive may amount to, unpacked.
MAX_UNPACKED = 20 << 20
_MAX_DIRECTORY = 1 << 20
_END_RECORD, _END_RECORD_SIZE = b"PK\x05\x06", 22
_ZIP64_LOCATOR, _ZIP64_LOCATOR_SIZE = b"PK\x06\x07", 20
_ENCRYPTED = 1
_OFFICE = "[Content_Types].xml"
#: What macOS and Windows add on their own.
_CLUTTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


class ArchiveError(ValueError):
    """The archive is damaged or too large; the message is the end of a sentence."""


@record(frozen=False)
class Archive:
    """``members`` are (name, content) in the order of the archive; ``encrypted`` and ``damaged``
    name those that could not be read."""

    members: list[tuple[str, bytes]] = field(default_factory=list)
    encrypted: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    is_office: bool = False


def unpack(data: bytes, limit: int = MAX_UNPACKED) -> Archive:
    """Every file in the archive, unpacked to at most ``limit`` bytes. Raises ArchiveError."""
    _check_directory(data)
    archive = Archive()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir()]
            if len(entries) > MAX_ENTRIES:
                raise ArchiveError(f"holds more than {MAX_ENTRIES:,} files")
            archive.is_office = any(entry.filename == _OFFICE for entry in entries)
            for entry in entries:
                if entry.filename.startswith(_CLUTTER[0]) or entry.filename.endswith(_CLUTTER[1:]):
                    continue
                if entry.flag_bits & _ENCRYPTED:
                    archive.encrypted.append(entry.filename)
                    continue
                content = _member(packed, entry, limit)
                if content is None:
                    archive.damaged.append(entry.filename)
                    continue
                limit -= len(content)
                archive.members.append((entry.filename, content))
    except ArchiveError:
        raise
    except Exception as error:  # zipfile raises a dozen types on damaged archives
        raise ArchiveError("is damaged") from error
    return archive


def _check_directory(data: bytes) -> None:
    """Bounds the central directory before ``zipfile`` makes an object of each of its entries."""
    end = data.rfind(_END_RECORD, 0, len(data) - _END_RECORD_SIZE + len(_END_RECORD))
    if end < 0:
        raise ArchiveError("is cut off or damaged")
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    zip64 = data[max(0, end - _ZIP64_LOCATOR_SIZE) : end].startswith(_ZIP64_LOCATOR)
    if size > _MAX_DIRECTORY or zip64:
        raise ArchiveError(f"holds more than {MAX_ENTRIES:,} files")


def _member(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes | None:
    """The file's content, None when it is damaged. Raises ArchiveError beyond the limit."""
    try:
        with packed.open(entry) as stream:
            content = stream.read(limit + 1)
    except Exception:  # as above: zlib, lzma, struct, EOF, CRC, unknown methods
        return None
    if len(content) > limit:
        raise ArchiveError(f"unpacks to more than {MAX_UNPACKED >> 20} MiB")
    return content
