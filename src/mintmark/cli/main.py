"""The tree of commands, and the one place where an error becomes one line and an exit status.

0 means yes, 1 no (an invalid token), 2 wrong use or a world that does not fit.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from mintmark.cli import admin, demo, encrypt, inspect, key, serve, sign, verify
from mintmark.cli.terminal import complain
from mintmark.errors import InvalidToken, MintmarkError

__all__ = ["run"]

_HELP = """Issue, carry, verify, renew, revoke, rotate and audit JSON Web Tokens.

Every command reads an argument, a file or "-" (standard input), and writes text for people or, with --json,
JSON for programs. Exit status: 0 yes, 1 no (an invalid token), 2 wrong use.
"""
_INTERRUPTED = 130
_READER_GONE = 141


def _tree() -> typer.Typer:
    app = typer.Typer(
        help=_HELP,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(help=_HELP)(_front)
    app.command()(demo.demo)
    app.command()(serve.serve)
    app.add_typer(admin.app, name="admin")
    app.add_typer(key.app, name="key")
    app.command()(inspect.inspect)
    app.command()(verify.verify)
    app.command()(sign.sign)
    app.command()(encrypt.encrypt)
    app.command()(encrypt.decrypt)
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
    command = typer.main.get_command(_tree())
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
