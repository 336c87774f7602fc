"""The tree of commands, and the one place where an error becomes one line and an exit status.

0 means yes, 1 no (an invalid token), 2 wrong use or a world that does not fit.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from mintmark.cli.terminal import complain
from mintmark.errors import InvalidToken, MintmarkError

__all__ = ["run"]

_HELP = """Issue, carry, verify, renew, revoke, rotate and audit JSON Web Tokens.

Every command reads an argument, a file or "-" (standard input), and writes text for people or, with --json,
JSON for programs. Exit status: 0 yes, 1 no (an invalid token), 2 wrong use.
"""
_INTERRUPTED = 130
_READER_GONE = 141


# Each command's module and name in it: what is not asked for is not imported.
_COMMANDS = {
    "demo": ("mintmark.cli.demo", "demo"),
    "serve": ("mintmark.cli.serve", "serve"),
    "admin": ("mintmark.cli.admin", "app"),
    "key": ("mintmark.cli.key", "app"),
    "inspect": ("mintmark.cli.inspect", "inspect"),
    "verify": ("mintmark.cli.verify", "verify"),
    "sign": ("mintmark.cli.sign", "sign"),
    "encrypt": ("mintmark.cli.encrypt", "encrypt"),
    "decrypt": ("mintmark.cli.encrypt", "decrypt"),
}


def _tree(asked: Sequence[str]) -> typer.Typer:
    """Return the command that is asked for, or all of them where there is none of that name."""
    app = typer.Typer(
        help=_HELP,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(help=_HELP)(_front)
    for name in asked[:1] if asked and asked[0] in _COMMANDS else _COMMANDS:
        module, attribute = _COMMANDS[name]
        command = getattr(importlib.import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from mintmark import __version__

        sys.stdout.write(f"mintmark {__version__}\n")
        raise typer.Exit


def _front(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Hold the options that stand before a command."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; wrong use is one line on standard error."""
    # what the library would warn of comes back as the error; a service configures its logs itself
    logging.getLogger("mintmark").addHandler(logging.NullHandler())
    command = typer.main.get_command(_tree(arguments))
    try:
        outcome = command.main(list(arguments) or ["--help"], prog_name="mintmark", standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        complain(error.format_message(), hint=f"see {context.command_path if context else 'mintmark'} --help")
        return 2
    except InvalidToken as error:
        complain(error.message, code=str(error.code), hint=error.hint)
        return 1
    except MintmarkError as error:
        complain(error.message, hint=error.hint)
        return 2
    except (typer.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except BrokenPipeError:
        # the reader has gone, as in `| head`; keep Python from complaining about it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READER_GONE
    return outcome if isinstance(outcome, int) else 0
