"""What a run is made of: figures without it mean nothing."""

import os
import pathlib
import platform
import re
import subprocess
import time

from shared import builds
from shared.targets import BUILD


def _read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


def _caches():
    found = {}
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if _read(index / "type") != "Instruction":
            found[f"L{_read(index / 'level')}"] = _read(index / "size")
    return ", ".join(f"{level} {size}" for level, size in found.items())


def _flags():
    cache = _read(BUILD / "bench" / "CMakeCache.txt")
    values = dict(re.findall(r"^(CMAKE_CXX_FLAGS(?:_RELEASE)?):\w+=(.*)$", cache, re.MULTILINE))
    return " ".join(["-std=c++20", *" ".join(values.values()).split()])


def _peers():
    """Versions of what is compared with, where Debian's packages are."""
    packages = ["libboost-dev", "libc6", "libstdc++6", "libmimalloc2.0", "libjemalloc2", "libtcmalloc-minimal4"]
    try:
        said = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}, ", *packages],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return ""
    return said.stdout.rstrip(", ")


def available_bytes():
    """Memory that can still be used; None if that is not known."""
    found = re.search(r"^MemAvailable: +(\d+) kB$", _read("/proc/meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def load():
    return f"{os.getloadavg()[0]:.1f}"


def facts(command):
    """What is known of the machine and of the build; what is not is left out."""
    model = re.search(r"^model name\s*: (.*)$", _read("/proc/cpuinfo"), re.MULTILINE)
    known = {
        "command": command,
        "date": time.strftime("%Y-%m-%d %H:%M"),
        **builds.made_from(builds.BUILD / "bench"),
        "flags": _flags(),
        "processor": model[1] if model else platform.machine(),
        "caches": _caches(),
        "processors": str(os.cpu_count()),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "not known",
        "kernel": platform.release(),
        "others": _peers(),
        "load before": load(),
    }
    return {name: value for name, value in known.items() if value}
