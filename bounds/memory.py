"""What would exhaust memory is refused before it is tried, with the size it would take."""

from __future__ import annotations

import os
from pathlib import Path

from bounds.errors import InvalidOption

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")


def require_memory(needed: int, what: str, advice: str) -> None:
    """Refuse what needs more than all memory that this process can still have.

    Args:
        needed: Bytes, estimated from below.
        what: The option and its value, the beginning of the sentence.
        advice: What to do instead.

    Raises:
        InvalidOption: naming both sizes.
    """
    there = available_memory()
    if needed > there:
        raise InvalidOption(
            f"{what} needs {readable(needed)} of memory where {readable(there)} are free; {advice}."
        )


def available_memory() -> int:
    """Bytes that this process can still take: free on the machine, within its container and its address space."""
    limits = [_machine()]
    group = Path("/sys/fs/cgroup")
    most = _number(group / "memory.max")
    if most is not None:
        limits.append(most)
    try:
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limits.append(soft - pages * os.sysconf("SC_PAGE_SIZE"))
    except (ImportError, OSError, ValueError):  # no such limits on this system
        pass
    return max(min(limits), 0)


def readable(size: int) -> str:
    """1,234,567 bytes as "1.2 MB"."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {_UNITS[unit]}"


def _machine() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):  # a system that does not tell
        return 2**62


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
