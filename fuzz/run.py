"""Fuzz the parsers of mintmark: ``python fuzz/run.py [--seconds N] [target …]``.

Each target runs in a process of its own, guided by coverage (atheris, libFuzzer). What breaks the property is
printed and kept in a folder that is named at the end; the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MOST_SECONDS = 3.0
"""Processor time for one input: far above what the slowest honest one takes under coverage."""


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description="Fuzz the parsers of mintmark.")
    parser.add_argument("targets", nargs="*", help="names of targets; all of them by default")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--list", action="store_true", help="name the targets and end")
    parser.add_argument("--folder", type=Path, help="corpora and findings; a new one in /tmp by default")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return fuzz_here(options.one, options.folder, options.seconds)
    from targets import TARGETS

    if options.list:
        print("\n".join(TARGETS))
        return 0
    unknown = set(options.targets) - set(TARGETS)
    if unknown:
        parser.error(f"there is no target named {', '.join(sorted(unknown))}; --list names them")
    folder = options.folder or Path(tempfile.mkdtemp(prefix="mintmark-fuzz-"))
    broken = [name for name in options.targets or TARGETS if not fuzz(name, folder, options.seconds)]
    print(f"\nbroken: {', '.join(broken)}; see {folder}" if broken else "\nevery property held")
    return 1 if broken else 0


def fuzz(name: str, folder: Path, seconds: int) -> bool:
    """Fuzz one target in its own process; tell whether its property held."""
    own = folder / name
    (own / "findings").mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    log = own / "log.txt"
    command = [sys.executable, __file__, "--one", name, "--seconds", str(seconds), "--folder", str(own)]
    with log.open("wb") as output:
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    lines = log.read_text("utf-8", "replace").splitlines()
    runs = next((line for line in reversed(lines) if line.startswith("Done ")), "stopped at a finding")
    print(f"{name:12} {time.monotonic() - began:5.0f} s  {runs}", flush=True)
    if status:
        print("\n".join(lines[-40:]))
    return status == 0


def fuzz_here(name: str, folder: Path, seconds: int) -> int:
    """Fuzz one target in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["mintmark", "targets"]):
        from targets import TARGETS
    from seeds import DICTIONARY

    target = TARGETS[name]
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(target.seeds()):
        (corpus / f"seed-{index}").write_bytes(seed)
    words = folder / "dictionary.txt"
    escaped = ("".join(f"\\x{byte:02x}" for byte in word.encode("latin-1")) for word in DICTIONARY)
    words.write_text("".join(f'"{word}"\n' for word in escaped), "ascii")

    def once(data: bytes) -> None:
        began = time.process_time()
        target.run(data)
        spent = time.process_time() - began
        if spent > MOST_SECONDS:
            raise AssertionError(f"{spent:.1f} s for {len(data)} bytes")

    flags = [f"-max_total_time={seconds}", f"-max_len={target.longest}", f"-dict={words}", "-timeout=30"]
    flags += [f"-artifact_prefix={folder}/findings/", "-print_final_stats=0", "-rss_limit_mb=4096"]
    atheris.Setup([name, *flags, str(corpus)], once)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
