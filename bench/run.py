"""``make bench``: ours, the bare operation, and the peers, in one run, interleaved; medians and ratios.

Nothing here passes or fails. A name as argument runs that section only: sign verify encryption keys imports
threads memory middleware.
"""

from __future__ import annotations

import platform
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from encryption import encryption
from measure import say, silence_the_rest
from middleware import middleware
from peers import importable
from resources import imports, key_import, memory, threads
from signatures import signing, verifying

import mintmark

SECTIONS = {
    "sign": signing,
    "verify": verifying,
    "encryption": encryption,
    "keys": key_import,
    "imports": imports,
    "threads": threads,
    "memory": memory,
    "middleware": middleware,
}


def main(wanted: list[str]) -> None:
    """Run the sections named, or all of them."""
    unknown = set(wanted) - set(SECTIONS)
    if unknown:
        sys.exit(f"no such section: {' '.join(sorted(unknown))} (there are: {' '.join(SECTIONS)})")
    warnings.simplefilter("ignore")  # peers warn about their own
    silence_the_rest()
    modules, absent = importable()
    say(f"mintmark {mintmark.__version__}, Python {platform.python_version()}, {_processor()}, {_today()}")
    say("processor time per call: the median of interleaved slices, without those that were disturbed, as a")
    say("yardstick around each says; and its ratio to that of the bare operation")
    for name in wanted or SECTIONS:
        SECTIONS[name](modules, absent)


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0]}" if models else platform.machine()


if __name__ == "__main__":
    main(sys.argv[1:])
