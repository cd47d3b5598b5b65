"""The picture of the README: drawn from a real run, and complete in itself."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from tools.make_picture import PICTURE, drawn, run


async def test_it_shows_a_real_run_and_fetches_nothing(tmp_path: Path) -> None:
    command, page = await run(tmp_path)
    svg = drawn(command, page)
    assert command.startswith("whichroot check dc01.corp.example:636")
    assert page.startswith("\x1b[1;32mVALIDATED \x1b[0m ")
    assert "@font-face" not in svg
    assert not re.findall(r"url\((?!['\"]?#)", svg)
    text = "".join(ElementTree.fromstring(svg).itertext()).replace("\u00a0", " ")
    assert "Request the root certificate" in text


def test_the_one_that_is_kept_is_of_the_same_make() -> None:
    text = "".join(ElementTree.parse(PICTURE).getroot().itertext()).replace("\u00a0", " ")
    assert "VALIDATED" in text
    assert "Other options" in text
    assert "Chain from" in text
