"""The company's own certificates: whatever lies in one folder, read again when it changes."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

from bot.errors import FormatError
from bot.pki import pem
from bot.pki.certificate import Certificate, Source
from bot.pki.keys import PublicKey
from bot.pki.names import Name
from bot.pki.roots import Root, Roots, key_identifiers
from bot.records import record
from bot.text import visible

MAX_FILES: Final = 500
MAX_FILE_SIZE: Final = 5 << 20
MAX_CERTIFICATES: Final = 5_000
#: A file of plain PEM with more certificates is read as any other format is, with its bounds.
_MAX_PLAIN: Final = 100

#: For so long, in seconds, nobody looks whether anything has changed: a folder may hold hundreds of files.
_LOOK_SECONDS: Final = 1.0

#: A file's name with what changes when its content does.
_State = tuple[str, int, int, int, int]


@record
class FolderProblem:
    """Why ``file`` of the folder (empty: the folder itself) is not used, in whole or in part.

    An ``error`` needs somebody now: a private key lies open, or nothing can be read at all.
    """

    file: str
    severity: Literal["error", "warning"]
    message: str
    remedy: str


class CompanyRoots(Roots):
    """What the folder held when it was read: roots, and intermediates if it holds any."""

    def __init__(self, roots: Iterable[Root] = (), problems: Sequence[FolderProblem] = ()) -> None:
        self._roots = tuple(roots)
        self.problems = tuple(problems)
        self._subjects: dict[Name, list[Root]] = {}
        self._keys: dict[bytes, list[Root]] = {}
        self._identifiers: dict[str, list[Root]] = {}
        for root in self._roots:
            certificate = root.certificate
            self._subjects.setdefault(certificate.subject, []).append(root)
            self._keys.setdefault(certificate.public_key.spki, []).append(root)
            for identifier in key_identifiers(certificate):
                self._identifiers.setdefault(identifier, []).append(root)

    def __len__(self) -> int:
        return len(self._roots)

    def all(self) -> tuple[Root, ...]:
        return self._roots

    def by_subject(self, name: Name) -> tuple[Root, ...]:
        return tuple(self._subjects.get(name, ()))

    def by_key(self, key: PublicKey) -> tuple[Root, ...]:
        return tuple(self._keys.get(key.spki, ()))

    def by_key_identifier(self, identifier: bytes) -> tuple[Root, ...]:
        return tuple(self._identifiers.get(identifier.hex(), ()))


class CompanyFolder:
    """A folder of certificates in any format that :func:`bot.pki.formats.read` reads.

    Files directly in it are read, symbolic links followed; names that begin with a dot are left
    alone. What cannot be read becomes a problem, never an exception. What changes takes effect within a
    second of ``clock``, which gives seconds. May be used from any thread.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self._clock = clock
        self._looked = float("-inf")
        self._lock = threading.Lock()
        self._state: tuple[_State, ...] | None = None
        self._roots = CompanyRoots()

    def roots(self) -> CompanyRoots:
        """What the folder holds. Now and then it costs a look at each file's dates; the files
        themselves are read only after something changed. Take it once for each report: it does not
        change."""
        with self._lock:
            now = self._clock()
            if now - self._looked < _LOOK_SECONDS:
                return self._roots
            try:
                state = self._look()
            except OSError as error:
                self._state = None
                self._looked = float("-inf")
                return CompanyRoots(problems=[_unreadable_folder(self.folder, error)])
            if state != self._state:
                self._roots = self._read([name for name, *_ in state])
                self._state = state
            self._looked = now
            return self._roots

    def _look(self) -> tuple[_State, ...]:
        with os.scandir(self.folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
        return tuple(self._file_state(name) for name in names[: MAX_FILES + 1])

    def _file_state(self, name: str) -> _State:
        try:
            found = (self.folder / name).stat()
        except OSError:
            return (name, 0, 0, 0, 0)
        return (name, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def _read(self, names: Sequence[str]) -> CompanyRoots:
        roots: dict[bytes, Root] = {}
        problems: list[FolderProblem] = []
        if len(names) > MAX_FILES:
            problems.append(
                FolderProblem(
                    "",
                    "warning",
                    f"The folder of company certificates holds more than {MAX_FILES} files; those "
                    f"from {visible(names[MAX_FILES])} on are not read.",
                    "Keep only the root and intermediate certificates there.",
                )
            )
        for name in names[:MAX_FILES]:
            found, problem = self._read_file(name)
            problems += [problem] if problem else []
            for root in found:
                roots.setdefault(root.certificate.der, root)
            if len(roots) > MAX_CERTIFICATES:
                problems.append(
                    FolderProblem(
                        "",
                        "warning",
                        f"The folder of company certificates holds more than {MAX_CERTIFICATES:,} "
                        f"certificates; what follows in {visible(name)} and after it is not used.",
                        "Keep only the root and intermediate certificates there.",
                    )
                )
                break
        return CompanyRoots(list(roots.values())[:MAX_CERTIFICATES], problems)

    def _read_file(self, name: str) -> tuple[list[Root], FolderProblem | None]:
        shown = visible(name)
        source = Source("company", shown)
        try:
            data = _content(self.folder / name)
            if plain := _plain(data):
                return [Root(certificate, source) for certificate in plain], None
            # Imported late: most folders hold plain PEM alone, and there are many other formats.
            from bot.pki.formats import read

            reading = read(data, name=name)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return [], FolderProblem(
                shown,
                "warning",
                f"{shown} in the folder of company certificates cannot be read: {reason}.",
                "Check the file and its permissions.",
            )
        except FormatError as error:
            message = f"{shown} in the folder of company certificates is not used: {error.message}"
            return [], FolderProblem(shown, "warning", message, error.remedy)
        if reading.private_keys:
            return [], FolderProblem(
                shown,
                "error",
                f"{shown} in the folder of company certificates holds a private key "
                f"({', '.join(reading.private_keys)}) and is not used.",
                "Take the file away now. Consider the key exposed: have its certificate reissued "
                "with a new key. Put only the certificate there.",
            )
        roots = [Root(found.certificate, source) for found in reading.certificates]
        if not reading.damaged:
            return roots, None
        message = f"{shown} in the folder of company certificates is used in part: "
        return roots, FolderProblem(
            shown, "warning", message + " ".join(reading.damaged), "Export the file again."
        )


def _plain(data: bytes) -> list[Certificate]:
    """The certificates of a file that holds sound PEM blocks of them and nothing else."""
    blocks = pem.plain_blocks(data)
    try:
        return (
            [Certificate.from_der(block) for block in blocks] if len(blocks) <= _MAX_PLAIN else []
        )
    except FormatError:
        return []


def _content(path: Path) -> bytes:
    """The file's bytes. Raises OSError; FormatError for what is no file or too large a one."""
    # Without O_NONBLOCK, opening a FIFO waits for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FormatError(
                "it is not a file.", "Put the certificates directly into the folder, as files."
            )
        data = file.read(MAX_FILE_SIZE + 1)
    if len(data) > MAX_FILE_SIZE:
        raise FormatError(
            f"it is larger than {MAX_FILE_SIZE >> 20} MiB.",
            "Keep only the root and intermediate certificates in it.",
        )
    return data


def _unreadable_folder(folder: Path, error: OSError) -> FolderProblem:
    reason = error.strerror or type(error).__name__
    return FolderProblem(
        "",
        "error",
        f"The folder of company certificates, {visible(str(folder))}, cannot be read: {reason}.",
        "Check the setting, and the folder's permissions.",
    )
