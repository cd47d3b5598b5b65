"""Measures and prints the table; everything of one run, on this machine, now."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from pathlib import Path

from tools.bench.material import make_material
from tools.bench.predictions import analysis, growth, mesh, mixed_predictions, predictions
from tools.bench.processes import many_hosts, one_host
from tools.bench.server import serving
from tools.bench.table import table


def main() -> None:
    """A few minutes."""
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True)
    print(
        f"Python {platform.python_version()}, {openssl.stdout.split(' (')[0].strip()}, "
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        material = make_material(Path(folder))
        with serving(material.chain, material.key) as port:
            rows = [*one_host(material, port), *many_hosts(material, port, Path(folder))]
        rows += [*predictions(material), *mixed_predictions(), mesh()]
        rows += [analysis(material), *growth(material)]
    print(table(rows))


if __name__ == "__main__":
    main()
