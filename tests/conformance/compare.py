"""Where do we differ from real Java?

``python -m tests.conformance.compare --cases 20000 --seed 7 --jdk 25,21,17,11 --out differ.jsonl``
prints the disagreements by (Java's phrase, ours, Java version) and writes the records that differ,
each with both answers. The exit status is 1 if any verdict differs.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from tests.conformance.comparison import Comparison, compare
from tests.conformance.oracle import JDKS
from tests.conformance.phrases import phrase_of


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(prog="compare", description="Our prediction and real Java.")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="random if absent"
    )
    parser.add_argument("--jdk", default=",".join(map(str, JDKS)), help="versions, with commas")
    parser.add_argument("--out", type=Path, help="file for the records that differ")
    parser.add_argument("--phrases", action="store_true", help="print how often Java says what")
    arguments = parser.parse_args()
    jdks = [int(jdk) for jdk in arguments.jdk.split(",")]
    started = time.monotonic()
    compared = accepted = rejected = same_phrase = 0
    java_phrases: Counter[tuple[int, str]] = Counter()
    different: list[Comparison] = []
    for one in compare(arguments.seed, arguments.cases, jdks):
        compared += 1
        accepted += one.verdict.accepted
        java_phrases[one.jdk, phrase_of(one.verdict.message) or "accepted"] += 1
        if not one.verdict.accepted and not one.accepted:
            rejected += 1
            same_phrase += one.same_phrase
        if not (one.agrees and one.same_phrase):
            different.append(one)
    if arguments.phrases:
        for (jdk, phrase), count in sorted(
            java_phrases.items(), key=lambda item: (item[0][0], -item[1])
        ):
            print(f"{count:7} Java {jdk}: {phrase}")
    wrong = [one for one in different if not one.agrees]
    _print_groups("Verdicts that differ", wrong)
    _print_groups("Phrases that differ", [one for one in different if one.agrees])
    print(
        f"seed {arguments.seed}: {compared} judged in {time.monotonic() - started:.0f} s, "
        f"Java accepts {accepted / max(compared, 1):.1%}; "
        f"{len(wrong)} verdicts differ; "
        f"{same_phrase / max(rejected, 1):.2%} of {rejected} common rejections have Java's phrase"
    )
    if arguments.out:
        arguments.out.write_text("".join(_line(one) + "\n" for one in different))
    return 1 if wrong else 0


def _print_groups(title: str, different: list[Comparison]) -> None:
    groups: dict[tuple[str, str], list[Comparison]] = {}
    for one in different:
        ours = phrase_of(one.message) or "accepted"
        java = phrase_of(one.verdict.message) or "accepted"
        groups.setdefault((java, ours), []).append(one)
    print(f"{title}: {len(different)}")
    for (java, ours), members in sorted(groups.items(), key=lambda item: -len(item[1])):
        counts = sorted(Counter(one.jdk for one in members).items())
        jdks = ", ".join(f"{count} on {jdk}" for jdk, count in counts)
        print(f"{len(members):6}  Java: {java}\n        ours: {ours}\n        {jdks}")
        for one in list({one.record.id: one for one in members}.values())[:3]:
            print(f"          {one.record.id} on {one.jdk}: {'; '.join(one.record.notes)}")
            if one.verdict.message:
                print(f"            Java: {one.verdict.message[-150:]}")
            if one.message:
                print(f"            ours: {one.message[-150:]}")


def _line(one: Comparison) -> str:
    ours = {"accepted": one.accepted, "message": one.message}
    return json.dumps(
        {**one.record.to_json(), "jdk": one.jdk, "java": one.verdict.to_json(), "ours": ours},
        ensure_ascii=False,
    )


if __name__ == "__main__":
    sys.exit(main())
