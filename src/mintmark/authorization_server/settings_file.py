"""Reading the settings: file, environment, secrets beside them; every failure is one line for the
operator.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from mintmark.authorization_server.registrations import Client, closest
from mintmark.authorization_server.settings import Settings
from mintmark.errors import ConfigurationError

__all__ = ["load_settings", "parse_toml", "read_secret", "read_toml", "sentence", "with_secret"]

_TABLES = frozenset({"resources", "clients", "people"})
_LARGEST_FILE = 4 * 1024 * 1024
_LARGEST_SECRET = 64 * 1024
_PREFIX = "MINTMARK_"
_OTHER_VARIABLES = frozenset({"SETTINGS", "KEY_ENCRYPTION_KEY", "KEY_PASSWORD"})


def load_settings(
    path: Path | str | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings from a TOML file and from ``MINTMARK_*`` variables, which win.

    ``overrides`` win over both; ``defaults`` stand in for what nobody says.

    Relative paths in the file are relative to the file's folder.

    :raises ConfigurationError: one line that names the key and the fix; never a value that may be secret.
    """
    data = {**(defaults or {}), **(read_toml(Path(path)) if path is not None else {})}
    base = Path(path).resolve().parent if path is not None else Path.cwd()
    where = str(path) if path is not None else "settings"
    _refuse_misspelt_variables()
    try:
        settings = Settings(**data)
        if overrides:
            said = {name: getattr(settings, name) for name in Settings.model_fields}
            settings = Settings.model_validate({**said, **overrides})
    except ValidationError as error:
        raise ConfigurationError(f"{where}: {sentence(error, data)}") from None
    except SettingsError:
        raise ConfigurationError(
            f"a {_PREFIX}* variable that stands for a table or list is not JSON; write it as JSON"
        ) from None
    return settings.model_copy(
        update={
            "database": _absolute_database(settings.database, base),
            "key_file": str(base / settings.key_file) if settings.key_file else None,
            "clients": tuple(with_secret(client, base, where) for client in settings.clients),
        }
    )


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file of settings.

    :raises ConfigurationError: one line: unreadable, too large, not TOML.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); check the path and its rights"
        ) from None
    return parse_toml(data, str(path))


def parse_toml(data: bytes, where: str) -> dict[str, Any]:
    """Read the bytes of a file of settings.

    :param where: what messages call it.
    :raises ConfigurationError: one line: too large, not TOML.
    """
    if len(data) > _LARGEST_FILE:
        raise ConfigurationError(f"{where}: is larger than {_LARGEST_FILE} bytes; is it a settings file?")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigurationError(f"{where}: is not UTF-8 text; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        # the decoder's message names a place, and at most one character of it
        raise ConfigurationError(f"{where}: is not TOML: {error}") from None
    except (ValueError, RecursionError):  # an endless number, or brackets within brackets
        raise ConfigurationError(f"{where}: holds a value that is too long or too deep") from None


def _refuse_misspelt_variables() -> None:
    """pydantic-settings ignores variables that it does not know; one that is nearly right was meant."""
    known = [name.upper() for name in Settings.model_fields]
    for variable in os.environ:
        name = variable.upper().removeprefix(_PREFIX).partition("__")[0]
        if not variable.upper().startswith(_PREFIX) or name in known or name in _OTHER_VARIABLES:
            continue
        if guess := closest(name, known, cutoff=0.75):
            raise ConfigurationError(f'{variable}: no such variable; did you mean "{_PREFIX}{guess}"?')


_WORDS = {  # pydantic's kinds of error, as a person who writes TOML would put them
    "missing": "is missing; add it",
    "tuple_type": "is a list; write it in square brackets",
    "string_type": "is a text; write it in quotes",
    "mapping_type": "is a table; write it in braces",
    "dict_type": "is a table; write it in braces",
    "model_type": "is a table",
    "bool_type": "is true or false, without quotes",
    "bool_parsing": "is true or false, without quotes",
    "float_type": "is a number, without quotes",
    "float_parsing": "is a number, without quotes",
    "greater_than": "must be greater than {gt:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_short": "must not be empty",
    "string_too_long": "is longer than {max_length} characters",
    "too_short": "must not be empty",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "string_pattern_mismatch": "must be 64 hexadecimal digits in lower case: the SHA-256 of the secret",
}


def sentence(error: ValidationError, data: Mapping[str, Any]) -> str:
    """Turn the first problem into one sentence without any input value, and count the others."""
    problems = error.errors(include_url=False, include_input=False)
    first = problems[0]
    place = [*first["loc"], *([first["ctx"]["key"]] if first["type"] == "unknown_key" else [])]
    key = _key(place, data)
    if first["type"] == "tuple_type" and key in _TABLES:
        said = f"is a list of tables; write each as [[{key}]]"
    elif first["type"] in _WORDS:
        said = _WORDS[first["type"]].format_map(first.get("ctx", {}))
    else:
        said = first["msg"]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{key}: {said}{more}" if key else f"{said}{more}"


def _key(place: list[Any], data: Mapping[str, Any]) -> str:
    """Write ``clients[2].kind`` as it stands in the file, with the name of the entry when it has one."""
    text = ""
    for depth, part in enumerate(place):
        if isinstance(part, int):
            text += f"[{part}]{_name_of_entry(place[0], part, data) if depth == 1 else ''}"
        else:
            text += f".{part}" if text else str(part)
    return text


def _name_of_entry(table: Any, index: int, data: Mapping[str, Any]) -> str:
    entries = data.get(table)
    entry = entries[index] if isinstance(entries, list) and index < len(entries) else None
    if not isinstance(entry, Mapping):
        return ""
    name = entry.get("client_id") or entry.get("audience") or entry.get("username")
    return f' "{name}"' if isinstance(name, str) and name.isprintable() else ""


def _absolute_database(url: str, base: Path) -> str:
    if not url.startswith("sqlite:///"):
        return url
    return f"sqlite:///{base / url.removeprefix('sqlite:///')}"


def with_secret(client: Client, base: Path, where: str) -> Client:
    """Keep the hash of the secret in the file; the secret itself is forgotten here."""
    if client.client_secret_file is None:
        return client
    path = base / client.client_secret_file
    key = f'{where}: clients "{client.client_id}".client_secret_file'
    secret = read_secret(path, key, make="(umask 077; openssl rand -hex 32 > {path})")
    if len(secret) < 16:
        raise ConfigurationError(
            f"{key}: {path} holds fewer than 16 bytes; make one with: openssl rand -hex 32"
        )
    return client.model_copy(
        update={"client_secret_sha256": hashlib.sha256(secret).hexdigest(), "client_secret_file": None}
    )


def read_secret(path: Path, key: str, *, make: str) -> bytes:
    """Return what a file holds that not everybody may read, without the white space around it.

    :param key: the place in the settings that names the file.
    :param make: the command that makes such a file.
    :raises ConfigurationError: one line: not there, unreadable, readable by everyone.
    """
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o007:
                raise ConfigurationError(f"{key}: {path} can be read by everyone; run: chmod 600 {path}")
            return file.read(_LARGEST_SECRET).strip()
    except FileNotFoundError:
        hint = make.format(path=path)
        raise ConfigurationError(f"{key}: there is no {path} to be read; make it with: {hint}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise ConfigurationError(f"{key}: {path} cannot be read ({reason})") from None
