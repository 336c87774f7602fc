"""``mintmark`` and ``python -m mintmark``: the command line, or one line that says what it needs."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> int:
    """Run the command line and return its exit status; without the extra, name it."""
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ModuleNotFoundError:
        sys.stderr.write("mintmark: the command line needs an extra; run: pip install 'mintmark[cli]'\n")
        return 2
    from mintmark.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
