"""Leaving new client secrets in files: 0600, never over another file, and gone if nothing comes of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shlex import quote as quote_word
from urllib.parse import quote

from mintmark.cli.terminal import printable
from mintmark.errors import ConfigurationError

__all__ = ["SecretFiles", "in_folder", "in_one_file"]


class SecretFiles:
    """Where the secret of each client goes. ``written`` is what is there once the change is committed."""

    def __init__(self, place: Callable[[str], Path]) -> None:
        self._place = place
        self.written: dict[str, Path] = {}

    @contextlib.contextmanager
    def hold(self, secrets: Mapping[str, str]) -> Iterator[None]:
        """Write the secrets before they are valid: one that cannot be kept must not be made.

        :raises ConfigurationError: a file is there already, or cannot be written.
        """
        try:
            for client_id, secret in secrets.items():
                path = self._place(client_id)
                _write(path, secret)
                self.written[client_id] = path
            yield
        except BaseException:
            for path in self.written.values():
                path.unlink(missing_ok=True)
            self.written.clear()
            raise


def in_one_file(path: Path) -> SecretFiles:
    """Keep the one secret that a command makes in the file that it names."""
    return SecretFiles(lambda client_id: path)


def in_folder(folder: Path) -> SecretFiles:
    """Keep each secret in a file of the folder that is called like the client."""
    if not folder.is_dir():
        name = printable(str(folder))
        raise ConfigurationError(f"there is no folder {name}; make it with: mkdir -m 700 {quote_word(name)}")
    # a client may be called https://app.example/, or ..
    return SecretFiles(lambda client_id: folder / f"{quote(client_id, safe='')}.secret")


def _write(path: Path, secret: str) -> None:
    name = printable(str(path))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(f"{name} exists already; move it away first, or name another file") from None
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be written ({error.strerror})") from None
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secret}\n")
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise ConfigurationError(f"{name} cannot be written ({error.strerror})") from None
