"""Several JDKs asked at once decide as each of them does alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain as joined

from hypothesis import given
from hypothesis import strategies as st

from bot.errors import WhichrootError
from bot.pki.certificate import Certificate
from bot.pki.java import JDKS, predict, predict_alike
from bot.pki.java.algorithms import IsJdkRoot
from bot.pki.java.parsing import refusal
from bot.pki.java.releases import Jdk, Parted, Releases, alike, per_jdk
from bot.pki.java.signatures import is_known
from tests.conformance.edge_cases import edge_cases
from tests.conformance.found_cases import found_cases
from tests.conformance.generator import records
from tests.conformance.records import Record
from tests.support.seeds import seed

_COMPARISONS: Sequence[Callable[[Jdk, float], bool]] = (
    lambda jdk, version: jdk < version,
    lambda jdk, version: jdk <= version,
    lambda jdk, version: jdk > version,
    lambda jdk, version: jdk >= version,
    lambda jdk, version: version < jdk,
    lambda jdk, version: version >= jdk,
)
_RUNS = [JDKS[i:j] for i in range(len(JDKS)) for j in range(i + 1, len(JDKS) + 1)]


@given(st.sampled_from(_RUNS), st.integers(9, 27) | st.sampled_from([0, float("inf")]))
def test_a_run_compares_as_each_of_it_or_says_where_they_part(
    run: tuple[int, ...], version: float
) -> None:
    for compare in _COMPARISONS:
        expected = [compare(jdk, version) for jdk in run]
        try:
            found = dict.fromkeys(run, compare(Releases(run), version))
        except Parted as error:
            earlier, later = error.earlier, error.later
            found = {
                **dict.fromkeys(earlier, expected[0]),
                **dict.fromkeys(later, not expected[0]),
            }
        assert [*found] == [*run]
        assert [*found.values()] == expected


@given(st.lists(st.integers(9, 27), max_size=4), st.sampled_from(JDKS))
def test_who_is_asked_decides_how_far_the_answer_holds(borders: list[int], jdk: int) -> None:
    def ask(these: Jdk) -> list[bool]:
        return [these < border for border in borders]

    expected = {one: ask(one) for one in JDKS}
    assert per_jdk(ask) == expected
    found = alike(jdk, ask)
    assert jdk in found
    # Nobody is left out that is asked nothing else.
    assert found == {one: expected[one] for one in JDKS if expected[one] == expected[jdk]}


def test_predictions_of_several_are_those_of_each() -> None:
    shared = _compared(joined(records(seed(), 800), edge_cases(), found_cases()))
    # It does part them, and it does spare predictions.
    assert set(shared) == {1, 2, 3, 4}
    assert shared[4] > 200


def _compared(cases: Iterable[Record]) -> Counter[int]:
    """How many JDKs one prediction was for; each is compared with that JDK's own."""
    shared: Counter[int] = Counter()
    for record in cases:
        try:
            chain = [Certificate.from_der(der) for der in record.chain]
            installed = [Certificate.from_der(der) for der in record.installed]
        except WhichrootError:
            continue
        at = record.at or datetime.now(UTC)
        alone = {
            jdk: predict(
                chain,
                installed,
                host=record.host,
                endpoint=record.protocol,
                at=at,
                jdk=jdk,
                is_jdk_root=_root_test(jdk),
            )
            for jdk in JDKS
        }
        for jdk in JDKS:
            found = predict_alike(
                chain,
                installed,
                host=record.host,
                endpoint=record.protocol,
                at=at,
                jdk=jdk,
                jdk_root_test=_root_test,
            )
            assert jdk in found
            assert found == {one: alone[one] for one in found}, record.id
            shared[len(found)] += 1
        for certificate in (*chain, *installed):
            refusals = {jdk: refusal(certificate, jdk) for jdk in JDKS}
            assert per_jdk(partial(refusal, certificate)) == refusals
            known = {jdk: is_known(certificate, jdk) for jdk in JDKS}
            assert per_jdk(partial(is_known, certificate)) == known
    return shared


def _root_test(jdk: int) -> IsJdkRoot:
    """Half of all roots come in with some JDK."""
    return lambda sha256: int(sha256[:2], 16) % 8 <= JDKS.index(jdk)
