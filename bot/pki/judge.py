"""Predictions over every address of a host, each made once."""

from __future__ import annotations

from collections.abc import Sequence

from bot.pki.certificate import Certificate
from bot.pki.evidence import Evidence
from bot.pki.java import JDKS, LATEST_JDK, Prediction, predict_alike

Chain = tuple[Certificate, ...]


class Judge:
    """Answers what Java decides about the chains of ``evidence`` with a set of certificates
    installed."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._made: dict[tuple[Chain, Chain], dict[int, Prediction]] = {}

    def prediction(self, chain: Chain, installed: Chain, jdk: int = LATEST_JDK) -> Prediction:
        """What ``jdk`` decides about one chain."""
        made = self._made.setdefault((installed, chain), {})
        if jdk not in made:
            made |= predict_alike(
                chain,
                installed,
                host=self._evidence.host,
                endpoint=self._evidence.endpoint,
                at=self._evidence.at,
                jdk=jdk,
                jdk_root_test=self._evidence.is_jdk_root,
            )
        return made[jdk]

    def predictions(self, installed: Chain) -> dict[int, Prediction]:
        """Per JDK the worst prediction over all chains: one that rejects, where there is one."""
        return {jdk: self._worst(installed, jdk) for jdk in JDKS}

    def accepted_chains(self, installed: Chain) -> frozenset[Chain]:
        """The chains that the newest JDK accepts."""
        return frozenset(
            chain
            for chain in self._evidence.distinct_chains
            if self.prediction(chain, installed).accepted
        )

    def vouches(self, path: Sequence[Certificate], anchor: Certificate) -> bool:
        """Whether some JDK accepts ``path``, complete and in order up to ``anchor``, whatever the
        host and on a day on which the leaf is valid: then who vouches for the anchor vouches for
        the path."""
        leaf = path[0]
        at = max(leaf.not_before, min(self._evidence.at, leaf.not_after))
        made: dict[int, Prediction] = {}
        for jdk in reversed(JDKS):
            if jdk not in made:
                made |= predict_alike(path, [anchor], host=None, at=at, jdk=jdk)
            if made[jdk].accepted:
                return True
        return False

    def _worst(self, installed: Chain, jdk: int) -> Prediction:
        first: Prediction | None = None
        for chain in self._evidence.distinct_chains:
            prediction = self.prediction(chain, installed, jdk)
            if not prediction.accepted:
                return prediction
            first = first or prediction
        return first or Prediction(accepted=False, message="no certificate was presented")
