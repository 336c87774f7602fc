"""The broken tokens that a test throws at its own service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from mintmark.errors import ConfigurationError
from mintmark.hostile import ATTACKS, Attack, Outcome, Sample, Weakness
from mintmark.jose.jwk import Key

__all__ = ["EvilToken", "evil_tokens", "fits_header"]

_LONGEST_HEADER: Final = 16_000  # what common servers take at least


@dataclass(frozen=True, slots=True, repr=False)
class EvilToken:
    """A token that must be refused.

    :param attack: the row of :data:`mintmark.hostile.ATTACKS` that it was built by.
    :param text: the token.
    :param control: a token of the same shape that is in order, where the signing key was given: whoever
        accepts it and refuses ``text`` has seen the difference.
    """

    attack: Attack
    text: str
    control: str | None

    @property
    def id(self) -> str:
        """The attack's id, such as ``S1.none.empty``."""
        return self.attack.id

    @property
    def title(self) -> str:
        """What was done to the token."""
        return self.attack.title

    @property
    def weakness(self) -> Weakness:
        """What it would mean if the token were accepted."""
        return self.attack.weakness

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<EvilToken {self.id}: {self.title}>"


def evil_tokens(
    token: str | Sample,
    public_key: Key | None = None,
    *,
    signing_key: Key | None = None,
    select: Iterable[str] = (),
    leave_out: Iterable[str] = (),
    in_header: bool = True,
    informational: bool = False,
) -> list[EvilToken]:
    """Return every evil token that can be built from a good one; nobody should accept any.

    ::

        @pytest.mark.parametrize("evil", evil_tokens(TOKEN, KEY.public), ids=str)
        def test_forgeries_are_refused(evil):
            assert client.get("/orders", headers={"Authorization": f"Bearer {evil.text}"}).status_code == 401

    :param token: a good token, as your issuer makes them.
    :param public_key: the issuer's public key: needed to try it as a secret, and to encrypt to it.
    :param signing_key: the key of a test issuer: then tokens can be wrong in content while their signature
        holds (expired, for another audience, …), and each gets its control.
    :param select: take only these attacks, by id or the beginning of it: ``["S4", "C6.aud"]``.
    :param leave_out: leave these out.
    :param in_header: leave out what cannot stand in a request header: line breaks, NUL, megabytes.
    :param informational: take also what a sound verifier may accept.
    :raises MalformedToken: when ``token`` is no signed JWT.
    :raises InvalidKey: when a key is not the one that signed it.
    :raises ConfigurationError: when ``select`` or ``leave_out`` names what does not exist.
    """
    if isinstance(token, Sample):
        sample = token
    else:
        sample = Sample.of(token, public_key=public_key, signing_key=signing_key)
    chosen = _chosen(tuple(select), tuple(leave_out))
    return [
        evil
        for attack in chosen
        if (informational or attack.outcome is Outcome.REFUSE)
        and (evil := build(attack, sample)) is not None
        and (not in_header or fits_header(evil.text))
    ]


def build(attack: Attack, sample: Sample) -> EvilToken | None:
    """Return the evil token of one attack, or None where this good token gives none."""
    text = attack.build(sample)
    return None if text is None else EvilToken(attack, text, attack.control(sample))


def fits_header(text: str) -> bool:
    """Say whether HTTP clients and servers let this text stand in an Authorization header at all."""
    return 0 < len(text) <= _LONGEST_HEADER and text.isascii() and text.isprintable() and text == text.strip()


def _chosen(select: tuple[str, ...], leave_out: tuple[str, ...]) -> Iterator[Attack]:
    for prefix in (*select, *leave_out):
        if not any(_is_within(attack.id, prefix) for attack in ATTACKS):
            raise ConfigurationError(
                f"there is no attack {prefix!r}", hint="mintmark.hostile.ATTACKS lists them."
            )
    for attack in ATTACKS:
        wanted = not select or any(_is_within(attack.id, prefix) for prefix in select)
        if wanted and not any(_is_within(attack.id, prefix) for prefix in leave_out):
            yield attack


def _is_within(id_: str, prefix: str) -> bool:
    """Compare whole parts: ``S1`` is not ``S10``."""
    return id_ == prefix or id_.startswith(f"{prefix}.")
