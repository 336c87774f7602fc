"""Reading: an argument, a file or standard input; and keys, whose files must have the right rights."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from mintmark.errors import ConfigurationError

if TYPE_CHECKING:
    from mintmark.jose.jwk import Key
    from mintmark.jose.jwks import KeySet

__all__ = [
    "KEY_PASSWORD",
    "parse_duration",
    "present",
    "read_bytes",
    "read_key",
    "read_keys",
    "read_secret",
    "read_text",
]

KEY_PASSWORD = "MINTMARK_KEY_PASSWORD"  # noqa: S105 — the name of a variable
_LARGEST = 16 * 1024 * 1024
_DURATION = re.compile(r"(\d{1,9})\s*([smhd]?)")
_TOKEN_START = re.compile(r"e[yw][\w+/=-]{8,}")  # a JSON object in base64
_PATH = re.compile(r'[^\s{}"]{0,999}(?:/[^\s{}"]{0,255}|\.(?:txt|jwt|jws|jwe|jose|json|token|pem|log))')
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def read_bytes(source: str | None, what: str) -> bytes:
    """Return standard input for ``-`` (or nothing, in a pipe), a file's content, or the argument itself.

    :raises ConfigurationError: nothing to read, unreadable, or too large.
    """
    if source is None or source == "-":
        if source is None and sys.stdin.isatty():
            raise ConfigurationError(f'give {what} as an argument, as a file, or "-" for standard input')
        data = sys.stdin.buffer.read(_LARGEST + 1)
    elif _is_file(source):
        data = _file(Path(source), what)
    else:
        data = source.encode("utf-8", "surrogateescape")
    if len(data) > _LARGEST:
        raise ConfigurationError(f"{what} is longer than {_LARGEST} bytes")
    return data


def read_text(source: str | None, what: str) -> str:
    """Return what :func:`read_bytes` does, as text without the white space around it.

    :raises ConfigurationError: as there, or not UTF-8, or a standard input with nothing in it.
    """
    try:
        text = read_bytes(source, what).decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{what} is not UTF-8 text") from None
    if not text and source in (None, "-"):
        raise ConfigurationError(f"{what} is missing: nothing came from standard input")
    return text


def present(token: str | None) -> str | None:
    """Return where a token is to be read from, unless it is the name of a file that is not there.

    :raises ConfigurationError: nobody can have meant this as a token.
    """
    if token is not None and _looks_like_a_path(token) and not _is_file(token):
        raise ConfigurationError(f"there is no file {token}")
    return token


def read_key(path: str, *, alg: str | None = None) -> Key:
    """Read one key from a file (PEM, DER, JWK, OpenSSH); a private one must be private to its owner.

    The password of an encrypted key comes from ``MINTMARK_KEY_PASSWORD``.

    :raises ConfigurationError: unreadable, or readable by others.
    :raises InvalidKey: holds no usable key.
    """
    from mintmark.jose.jwk import Key

    password = os.environ.get(KEY_PASSWORD)
    key = Key.from_file(path, alg=alg, password=password.encode() if password is not None else None)
    if key.is_private:
        _refuse_open(Path(path))
    return key


def read_keys(path: str, *, alg: str | None = None) -> Key | KeySet:
    """Read a key, or a JWK set.

    :raises ConfigurationError: unreadable, or private and readable by others.
    :raises InvalidKey: holds no usable key.
    """
    from mintmark.jose.encoding import json_object
    from mintmark.jose.jwks import KeySet

    data = _file(Path(path), "the key file")
    if data.lstrip()[:1] == b"{" and "keys" in (members := json_object(data)):
        keys = KeySet.from_jwks(members)
        if any(key.is_private for key in keys):
            _refuse_open(Path(path))
        return keys
    return read_key(path, alg=alg)


def read_secret(path: str, *, alg: str) -> Key:
    """Read a shared secret, whose raw bytes are the whole file but for a line break at its end.

    :raises ConfigurationError: unreadable, or readable by others.
    :raises InvalidKey: too short for the algorithm.
    """
    from mintmark.jose.jwk import Key

    data = _file(Path(path), "the secret file")
    _refuse_open(Path(path))
    return Key.from_secret(data.removesuffix(b"\n").removesuffix(b"\r"), alg=alg)


def parse_duration(text: str) -> float:
    """Read ``90``, ``10m``, ``8h`` or ``30d`` as seconds.

    :raises ConfigurationError: anything else, or zero.
    """
    found = _DURATION.fullmatch(text.strip())
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if seconds == 0:
        raise ConfigurationError(f'"{text[:40]}" is no duration; write 90s, 10m, 8h or 30d')
    return float(seconds)


def _looks_like_a_path(text: str) -> bool:
    """Tell whether a text names a place, and holds nothing that begins as a token does."""
    return _TOKEN_START.search(text) is None and _PATH.fullmatch(text) is not None


def _is_file(source: str) -> bool:
    try:
        return len(source) < 4096 and Path(source).is_file()
    except (OSError, ValueError):
        return False


def _file(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise ConfigurationError(f"{what} {path} cannot be read: {reason}") from None


def _refuse_open(path: Path) -> None:
    """A private key or secret that others can read is no secret."""
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"{path} can be read by others; run: chmod 600 {quote(str(path))}")
