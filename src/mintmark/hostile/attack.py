"""One row of the table of attacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mintmark.errors import InvalidKey
from mintmark.hostile.sample import Need, Sample
from mintmark.hostile.weaknesses import WEAKNESSES, Weakness
from mintmark.jose.jwk import Key

__all__ = ["ASYMMETRIC", "ECDSA", "EDDSA", "HMAC", "RSA", "Attack", "Forge", "Need", "Outcome", "honest"]

Forge = Callable[[Sample], str | None]
"""Sample to broken token; None where the sample gives no such token."""

HMAC: Final = frozenset(("HS256", "HS384", "HS512"))
RSA: Final = frozenset(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"))
ECDSA: Final = frozenset(("ES256", "ES384", "ES512", "ES256K"))
EDDSA: Final = frozenset(("EdDSA", "Ed25519", "Ed448"))
ASYMMETRIC: Final = RSA | ECDSA | EDDSA | {"ML-DSA-44", "ML-DSA-65", "ML-DSA-87"}


class Outcome(StrEnum):
    """What a sound verifier does with the token."""

    REFUSE = "refuse"
    INFORM = "inform"  # may be accepted; there is something to know about it


def honest(sample: Sample) -> str:
    """Sign the good token's content once more, changing nothing: the control of most attacks."""
    return sample.seal()


@dataclass(frozen=True, slots=True)
class Attack:
    """One way to break a token.

    :param id: row of the known attacks, family and case: ``S1.none.empty``.
    :param title: what was done to the token, in a few words.
    :param forge: builds the broken token.
    :param needs: what it is built from besides the good token.
    :param algorithms: the good token's algorithms that it is about; None: all.
    :param outcome: what a sound verifier does with it.
    :param shape: builds the control: as like the broken token as an acceptable one can be.
    """

    id: str
    title: str
    forge: Forge
    needs: frozenset[Need] = frozenset()
    algorithms: frozenset[str] | None = None
    outcome: Outcome = Outcome.REFUSE
    shape: Callable[[Sample], str] = honest

    @property
    def weakness(self) -> Weakness:
        """What it would mean if the token were accepted."""
        return WEAKNESSES[self.id.partition(".")[0]]

    def fits(self, alg: str, available: frozenset[Need] = frozenset(Need)) -> bool:
        """Say whether it can be tried on tokens of this algorithm with what is available."""
        return (self.algorithms is None or alg in self.algorithms) and self.needs <= available

    def build(
        self, token: str | Sample, public_key: Key | None = None, signing_key: Key | None = None
    ) -> str | None:
        """Return the broken token, or None where this good token gives none.

        :raises MalformedToken: when ``token`` is no signed JWT.
        :raises InvalidKey: when the keys are not those of the token.
        """
        sample = _sample(token, public_key, signing_key)
        if not self.fits(sample.alg, sample.available):
            return None
        try:
            broken = self.forge(sample)
        except InvalidKey:  # a legacy key gives no new key to encrypt to
            return None
        return None if broken == sample.token else broken

    def control(self, token: str | Sample, signing_key: Key | None = None) -> str | None:
        """Return the control, honestly signed; None without a signing key, or where the attack does not fit.

        Only a verifier that accepts the control has shown by refusing the attack that it saw the attack.
        """
        sample = _sample(token, None, signing_key)
        if sample.signing_key is None or not self.fits(sample.alg, sample.available):
            return None
        return self.shape(sample)


def _sample(token: str | Sample, public_key: Key | None, signing_key: Key | None) -> Sample:
    if isinstance(token, Sample):
        return token
    return Sample.of(token, public_key=public_key, signing_key=signing_key)
