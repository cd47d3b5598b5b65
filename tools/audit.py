"""``python -m tools.audit LOCK``: known vulnerabilities of the locked packages, by pip-audit.

Its data comes from the package index. Where that cannot be reached, or a mirror leaves the
vulnerabilities out, the packages could not be audited: this is said, and is a failure only with
``--strict``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field

_PIP_AUDIT: Final = Path(__file__).parents[1] / ".cache" / "release" / "bin" / "pip-audit"
_TIMEOUT_SECONDS: Final = 300


def main() -> int:
    """0 when nothing is known against any package, 1 else; see ``--strict``."""
    parser = argparse.ArgumentParser(prog="python -m tools.audit", description=__doc__)
    parser.add_argument("lock", type=Path, help="the lock file, with hashes")
    parser.add_argument("--strict", action="store_true", help="fail if one could not be audited")
    arguments = parser.parse_args()
    try:
        audited = subprocess.run(
            [
                *(str(_PIP_AUDIT), "--disable-pip", "--require-hashes", "--format", "json"),
                *("--progress-spinner", "off", "--requirement", str(arguments.lock)),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
        result = judged(audited.stdout)
    except subprocess.TimeoutExpired:
        result = Audit((), 0, ("everything: no answer in time",))
    except ValueError:
        result = Audit((), 0, (f"everything: {audited.stderr.strip()[-500:]}",))
    print(result.text())
    return int(bool(result.vulnerable or (arguments.strict and result.not_audited)))


@dataclass(frozen=True, slots=True)
class Audit:
    """What is known: lines about vulnerable packages, how many are not, and what was not audited."""

    vulnerable: tuple[str, ...]
    clean: int
    not_audited: tuple[str, ...]

    def text(self) -> str:
        """The result, for a person."""
        lines = [f"pip-audit: nothing known against {self.clean} packages", *self.vulnerable]
        if self.not_audited:
            lines.append(
                f"NOT audited, their data could not be had: {len(self.not_audited)} "
                f"({', '.join(self.not_audited)})"
            )
        return "\n".join(lines)


def judged(answer: str) -> Audit:
    """Reads pip-audit's JSON.

    Raises:
        ValueError: it is not such JSON (pydantic's ValidationError is one).
    """
    vulnerable, clean, skipped = [], 0, []
    for package in _Answer.model_validate(json.loads(answer)).dependencies:
        if package.skip_reason is not None:
            skipped.append(package.name)
        elif package.vulns:
            vulnerable += [
                f"{package.name} {package.version}: {each.id}, mended in "
                f"{', '.join(each.fix_versions) or 'no version yet'}"
                for each in package.vulns
            ]
        else:
            clean += 1
    return Audit(tuple(vulnerable), clean, tuple(skipped))


class _Vulnerability(BaseModel):
    id: str
    fix_versions: list[str] = Field(default_factory=list)


class _Package(BaseModel):
    name: str
    version: str = ""
    skip_reason: str | None = None
    vulns: list[_Vulnerability] = Field(default_factory=list)


class _Answer(BaseModel):
    dependencies: list[_Package]


if __name__ == "__main__":
    sys.exit(main())
