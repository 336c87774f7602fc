"""Names that are loaded when they are first used (PEP 562): importing a package costs nothing before."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # type checkers know the name; typing alone would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["load_on_use"]


def load_on_use(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package.

    :param homes: from each name to the module that has it; a name that is a module is its own home.
    """

    def load(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        __import__(home)
        module = sys.modules[home]
        value = module if home.endswith(f".{name}") else getattr(module, name)
        setattr(sys.modules[package], name, value)  # found at once from now on
        return value

    return load
