"""Runs a module as ``python -m`` would, and ends it when the process that started it is gone.

``python -m mintmark.demo.tether mintmark serve --settings …``

The parent holds the other end of our standard input and never writes: an end of file means that it has died,
however it died. So no process of the demo outlives the demo, not even after SIGKILL.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from typing import Final

PATIENCE: Final = 3.0  # seconds for a clean stop before the hard one


def main() -> None:
    module, *arguments = sys.argv[1:]
    threading.Thread(target=_end_with_parent, name="tether", daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    while os.read(0, 64):  # the raw descriptor: a buffered read could not be interrupted at exit
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)


if __name__ == "__main__":
    main()
