"""Other spellings of one token: base64url and JSON as lenient readers take them (attacks S30, S35, S37)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from mintmark.hostile.attack import Attack, Forge
from mintmark.hostile.sample import Need, Sample
from mintmark.jose.encoding import json_encode

__all__ = ["ENCODINGS"]

_OWNER: Final = frozenset({Need.SIGNING_KEY})
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TRIES: Final = 256

# --- the signature, spelled otherwise: nothing has to be signed anew ---------------------------------------


def _signature(respell: Callable[[str], str]) -> Forge:
    def forge(sample: Sample) -> str:
        message, _, signature = sample.token.rpartition(".")
        return f"{message}.{respell(signature)}"

    return forge


def _pad(text: str) -> str:
    return text + "=" * (-len(text) % 4 or 4)


def _spare_bits(text: str) -> str:
    """Set the lowest bit of the last character where it says nothing (RFC 4648 3.5)."""
    if len(text) % 4 == 0:
        return text  # there are no spare bits
    return text[:-1] + _ALPHABET[_ALPHABET.index(text[-1]) | 1]


def _in_the_middle(what: str) -> Callable[[str], str]:
    return lambda text: text[: len(text) // 2] + what + text[len(text) // 2 :]


def _standard_alphabet(sample: Sample) -> str | None:
    """Spell the signature with + and /, which takes one that has such a character."""
    token = sample.token
    for attempt in range(_TRIES):
        message, _, signature = token.rpartition(".")
        if "-" in signature or "_" in signature:
            return f"{message}.{signature.replace('-', '+').replace('_', '/')}"
        if sample.signing_key is None:
            return None
        token = sample.seal(sample.header_with(attempt=attempt))
    return None


# --- header or payload, spelled otherwise and signed so ----------------------------------------------------


def _padded_segment(index: int) -> Forge:
    def forge(sample: Sample) -> str:
        parts = sample.message().decode("ascii").split(".")
        parts[index] = _pad(parts[index])
        return sample.sealed(".".join(parts).encode("ascii"))

    return forge


def _raw_header(rewrite: Callable[[bytes], bytes]) -> Forge:
    return lambda sample: sample.seal(header=rewrite(json_encode(sample.header)))


def _raw_claims(rewrite: Callable[[bytes], bytes]) -> Forge:
    return lambda sample: sample.seal(claims=rewrite(json_encode(sample.claims)))


def _before(members: bytes) -> Callable[[bytes], bytes]:
    """Put members before the others of a JSON object."""
    return lambda text: b"{" + members + b"," + text[1:]


def _after(members: bytes) -> Callable[[bytes], bytes]:
    """Put members after the others of a JSON object."""
    return lambda text: text[:-1] + b"," + members + b"}"


_LOOSE_JSON: Final[tuple[tuple[str, str, Callable[[bytes], bytes]], ...]] = (
    ("bom", "with a byte order mark", lambda text: b"\xef\xbb\xbf" + text),
    ("utf-16", "in UTF-16", lambda text: text.decode("utf-8").encode("utf-16")),
    ("utf-32", "in UTF-32", lambda text: text.decode("utf-8").encode("utf-32")),
    ("latin-1", "with a byte that is no UTF-8", _after(b'"x":"\xff"')),
    ("surrogate", "with half of a surrogate pair", _after(b'"x":"\\ud800"')),
    ("nan", "with NaN", _after(b'"x":NaN')),
    ("comment", "with a comment", lambda text: text[:-1] + b"/* */}"),
    ("trailing-comma", "with a comma too many", lambda text: text[:-1] + b",}"),
    ("trailing-text", "with text behind", lambda text: text + b"x"),
    ("second-value", "with a second object behind", lambda text: text + b"{}"),
    ("single-quotes", "with single quotes", lambda text: text.replace(b'"', b"'")),
    ("control-character", "with a newline within a text", _after(b'"x":"\n"')),
    ("nul", "with a zero byte behind", lambda text: text + b"\0"),
    ("list", "within a list", lambda text: b"[" + text + b"]"),
    ("text", "within a text", lambda text: json_encode(text.decode("utf-8"))),
    ("null", "replaced by null", lambda text: b"null"),
    ("nothing", "replaced by nothing", lambda text: b""),
)


def _duplicates() -> Iterator[Attack]:
    first, last = "the evil one first", "the evil one last"
    rows = (
        ("header.alg-first", f"alg twice, {first}", _raw_header(_before(b'"alg":"none"'))),
        ("header.alg-last", f"alg twice, {last}", _raw_header(_after(b'"alg":"none"'))),
        ("header.kid-last", "kid twice", _raw_header(_after(b'"kid":"intruder","kid":"intruder"'))),
        ("claims.sub-first", f"sub twice, {first}", _raw_claims(_before(b'"sub":"intruder"'))),
        ("claims.sub-last", f"sub twice, {last}", _raw_claims(_after(b'"sub":"intruder"'))),
        ("claims.sub-escaped", "sub twice, once escaped", _raw_claims(_before(b'"s\\u0075b":"intruder"'))),
        ("claims.exp-first", f"exp twice, {first}", _raw_claims(_before(b'"exp":1'))),
        ("claims.exp-last", f"exp twice, {last}", _raw_claims(_after(b'"exp":253402300799'))),
        ("claims.deep", "a member twice, further down", _raw_claims(_after(b'"x":{"a":1,"a":2}'))),
    )
    for name, title, forge in rows:
        yield Attack(f"S30.{name}", f"{title}, honestly signed", forge, needs=_OWNER)


def _respellings() -> Iterator[Attack]:
    for name, title, respell in (
        ("padding", "padded", _pad),
        ("one-padding-character", "with one = behind", lambda text: text + "="),
        ("spare-bits", "with a spare bit set", _spare_bits),
        ("junk", "with a character of no alphabet", _in_the_middle("!")),
        ("space", "with a space within", _in_the_middle(" ")),
        ("newline", "with a newline within", _in_the_middle("\n")),
        ("nul", "with a zero byte within", _in_the_middle("\0")),
        ("not-ascii", "with a character beyond ASCII", _in_the_middle("\xe9")),
        ("more", "with four characters more", lambda text: text + "AAAA"),
    ):
        yield Attack(f"S35.signature.{name}", f"the signature {title}", _signature(respell))
    yield Attack("S35.signature.alphabet", "the signature with + and / for - and _", _standard_alphabet)
    for index, name in enumerate(("header", "payload")):
        title = f"the {name} padded, and honestly signed so"
        yield Attack(f"S35.{name}.padding", title, _padded_segment(index), needs=_OWNER)


def _loose_json() -> Iterator[Attack]:
    for name, title, rewrite in _LOOSE_JSON:
        for part, forge in (("header", _raw_header(rewrite)), ("claims", _raw_claims(rewrite))):
            id_ = f"S37.{part}.{name}"
            yield Attack(id_, f"the {part} {title}, honestly signed", forge, needs=_OWNER)


ENCODINGS: Final = (*_duplicates(), *_respellings(), *_loose_json())
