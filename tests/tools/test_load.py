"""A slice of the load."""

from __future__ import annotations

import pytest

from tools.soak import load


def test_nothing_is_lost_under_load_and_a_burst_drains_in_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = load.main(
        [
            *("--seconds", "2", "--rate", "20", "--burst", "40", "--servers", "40"),
            *("--handshake", "1"),
        ]
    )
    told = capsys.readouterr().out
    assert code == 0, told
    assert "steady: commands: 40: 0 without a report, 0 with two" in told
    assert "burst: commands: 40: 0 without a report, 0 with two" in told
