"""Builds as a fuzzing service makes them: its compilers, flags and folders, and what it finds in the end.

The flags are those of OSS-Fuzz's base-builder image, which ClusterFuzzLite uses too."""

import functools
import glob
import hashlib
import os
import pathlib
import shlex
import shutil
import stat
import subprocess
import tempfile

from shared.command import CannotWork

CFLAGS = "-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"
_UNDEFINED = (
    "array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,object-size,return,returns-nonnull-attribute,"
              "shift,signed-integer-overflow,unreachable,vla-bound,vptr")
SANITIZER_FLAGS = {
    "address": "-fsanitize=address -fsanitize-address-use-after-scope",
    "undefined": f"-fsanitize={_UNDEFINED},unsigned-integer-overflow -fno-sanitize-recover={_UNDEFINED}",
    "coverage": "-fprofile-instr-generate -fcoverage-mapping -pthread -Wl,--no-as-needed -Wl,-ldl -Wl,-lm "
                "-Wno-unused-command-line-argument",
}
GUIDANCE_FLAGS = {"libfuzzer": "-fsanitize=fuzzer-no-link", "afl": "-fsanitize-coverage=trace-pc-guard"}
BUILDS = {f"{sanitizer}-{engine}": (sanitizer, engine) for sanitizer, engine in (
    ("address", "libfuzzer"), ("address", "afl"), ("undefined", "libfuzzer"), ("coverage", "libfuzzer"))}

# Notes how it is called, in a file a call. Its text does not depend on the folder, so that a compiler cache knows it
# again.
COMPILER = """#!/bin/bash
printf '%s\\n' "$@" >"$SERVICE_COMMANDS/$BASHPID"
exec {} "$@"
"""


@functools.cache
def llvm():
    """The folder of the newest LLVM that has libFuzzer, and libc++ as an archive."""
    for folder in sorted(glob.glob("/usr/lib/llvm-*"), key=lambda f: -int(f.rpartition("-")[2])):
        if os.path.exists(f"{folder}/lib/libc++.a") and glob.glob(f"{folder}/lib/clang/*/lib/**/libclang_rt.fuzzer*.a",
                                                                  recursive=True):
            return folder
    raise CannotWork("no clang with libFuzzer and libc++ is installed; ci/setup --services installs it")


def output_of(command, **options):
    """(exit code, everything it printed). None for the code where it took more than a minute."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=60, **options)
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        return None, (error.stdout or b"").decode(errors="replace")


def digests(folder):
    return {str(f.relative_to(folder)): hashlib.sha1(f.read_bytes()).digest() for f in folder.rglob("*") if f.is_file()}


class Service:
    """The environment of one build, in a folder of its own."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.sanitizer, self.engine = BUILDS[name]
        self.source, self.out = folder / "src" / "slabproof", folder / "out"
        self.commands = folder / "commands"
        for path in (self.source, folder / "work", self.out, self.commands, folder / "bin", folder / "lib",
                     folder / "elsewhere"):
            path.mkdir(parents=True)
        for compiler in ("clang", "clang++"):
            (folder / "bin" / compiler).write_text(COMPILER.format(f"{llvm()}/bin/{compiler}"))
            (folder / "bin" / compiler).chmod(0o755)
        flags = [CFLAGS, SANITIZER_FLAGS[self.sanitizer],
                 GUIDANCE_FLAGS[self.engine] if self.sanitizer != "coverage" else ""]
        if self.engine == "afl":
            # Clang's own guidance, and AFL++'s runtime in the engine's archive: what OSS-Fuzz has for compilers that
            # AFL++'s passes are not built for. As in the service libc++ is used, of which there is only the archive.
            engine = folder / "lib" / "libFuzzingEngine.a"
            flags.append("-stdlib=libc++")
            self.libraries = f"-L{folder}/lib"
            (folder / "lib" / "libc++.a").write_text(f"GROUP({llvm()}/lib/libc++.a {llvm()}/lib/libc++abi.a)\n")
            if not os.path.exists("/usr/lib/afl/libAFLDriver.a"):
                raise CannotWork("AFL++ is not installed; ci/setup --services installs it")
            shutil.copy("/usr/lib/afl/libAFLDriver.a", engine)
            subprocess.run(["ar", "r", engine, "/usr/lib/afl/afl-compiler-rt.o"], check=True, stderr=subprocess.DEVNULL)
            self.library = str(engine)
        else:
            # Debian's libFuzzer is made for libstdc++.
            self.library, self.libraries = "-fsanitize=fuzzer", "-static-libstdc++"
        self.flags = " ".join(filter(None, flags))

    def environment(self):
        compiler = str(self.folder / "bin" / "clang")
        # A launcher would stand between the script and the compilers, whose calls are noted.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CMAKE_")}
        return {**inherited, "CC": compiler, "CXX": compiler + "++", "CFLAGS": self.flags, "CXXFLAGS": self.flags,
                "LDFLAGS": self.libraries, "LIB_FUZZING_ENGINE": self.library, "SRC": str(self.source.parent),
                "WORK": str(self.folder / "work"), "OUT": str(self.out), "SANITIZER": self.sanitizer,
                "FUZZING_ENGINE": self.engine, "ARCHITECTURE": "x86_64", "FUZZING_LANGUAGE": "c++",
                "SERVICE_COMMANDS": str(self.commands)}

    def build(self, script, expected):
        """Runs a copy of the build script, then moves what it made and deletes everything else."""
        shutil.copy(script, self.source.parent / "build.sh")
        before = digests(self.source)
        with open(self.folder / "log", "wb") as log:
            code = subprocess.run(["bash", "-eux", self.source.parent / "build.sh"], env=self.environment(),
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  cwd=self.folder / "elsewhere").returncode
        after = digests(self.source)
        moved = self.folder / "moved"
        self.out.rename(moved)
        delivery = Delivery(self, moved, expected, code)
        delivery.changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        delivery.calls = [call.read_text().splitlines() for call in self.commands.iterdir()]
        for path in (self.source.parent, self.folder / "work", self.folder / "elsewhere", self.folder / "bin",
                     self.folder / "lib"):
            shutil.rmtree(path)
        return delivery


class Delivery:
    """What the build script left in its folder, which has been moved, without anything else it made."""

    def __init__(self, service, out, expected, code):
        self.sanitizer, self.engine = service.sanitizer, service.engine
        self.source = str(service.source)
        self.flags, self.library = shlex.split(service.flags), shlex.split(service.library)
        self.log = service.folder / "log"
        self.out, self.expected, self.code = out, expected, code

    def copy(self, folder):
        """The same delivery in another folder, to be damaged."""
        other = object.__new__(Delivery)
        other.__dict__ = {**self.__dict__, "out": folder}
        shutil.copytree(self.out, folder)
        return other

    def last_words(self, lines=15):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def targets(self):
        """What the service takes for a fuzz target: an executable with the function in it."""
        return sorted(f.name for f in self.out.iterdir()
                      if f.is_file() and f.stat().st_mode & stat.S_IXUSR
                      and b"LLVMFuzzerTestOneInput" in f.read_bytes())

    def run(self, target, *arguments, **environment):
        """As the service runs a target: from another folder, with its limits."""
        limits = ["-rss_limit_mb=2560", "-timeout=25"] if self.engine == "libfuzzer" else []
        return output_of([self.out / target, *limits, *arguments], cwd="/", env={
            "PATH": os.environ["PATH"], "UBSAN_OPTIONS": "silence_unsigned_overflow=1", "LLVM_PROFILE_FILE": os.devnull,
            **environment})

    def afl_fuzz(self, target):
        """What a second of afl-fuzz prints."""
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "in").mkdir()
            (pathlib.Path(folder) / "in" / "a").write_text("a")
            _, words = output_of(
                ["afl-fuzz", "-V", "1", "-i", f"{folder}/in", "-o", f"{folder}/out", "--", self.out / target], cwd="/",
                env={"PATH": os.environ["PATH"], "AFL_NO_UI": "1", "AFL_NO_AFFINITY": "1", "AFL_SKIP_CPUFREQ": "1",
                     "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_FORKSRV_INIT_TMOUT": "30000"})
        return words
