"""The engines with another subject: what is tested becomes a shared library, which is compiled anew for each bug and
found by LD_LIBRARY_PATH, while explorer, replay tool, state machines and fuzz targets are linked once."""

import collections
import json
import pathlib
import re
import shlex
import subprocess
import sys
import threading

from shared import folder_lock
from shared.command import CannotWork
from shared.targets import BUILD, ROOT

LIBRARY = "libslab_subject.so"
# What it is made of. `engines`: programs of a preset, by name; their own objects of these sources are left out.
Part = collections.namedtuple("Part", "sources engines preset", defaults=("asan",))
CACHE = ("model/subject/slab_subject.cpp", *(f"model/subject/slab_guarded_{row}.cpp" for row in (
    "single_page", "multi_page", "large")))
TARGETS = ("fuzz_small_single_page", "fuzz_small_multi_page", "fuzz_large")
PARTS = {
    "cache": Part(CACHE, {"slab_explore": "asan", "slab_replay": "asan", "state_machine_test": "asan",
                          **{target: "fuzz" for target in TARGETS}}),
    "sizes": Part(("examples/subjects/size_classes.cpp",), {"sizes_replay": "asan"}),
    "hosted": Part(("properties/hosted/hosted_subject.cpp",), {"hosted_replay": "asan", "fuzz_hosted": "fuzz"}),
    "geometry": Part(("fuzz/targets/fuzz_geometry.cpp",), {"fuzz_geometry": "fuzz"}, "fuzz"),
    "locked": Part(("properties/locked/world.cpp",), {"locked_explore": "asan"}),
}
# Compiled fast and not for speed. libFuzzer is guided by it, which costs the others little. A Cache does what the
# DynamicCache of its geometry does; only one of them is there.
FLAGS = ["-O0", "-g0", "-w", "-fPIC", "-fno-omit-frame-pointer", "-DSLABPROOF_ONE_CACHE"]
GUIDANCE = ["-fsanitize-coverage=inline-8bit-counters,pc-table"]
OPTIMISATION = re.compile(r"-(O.|g\d?|W\S*|f(?:no-)?sanitize-coverage=\S*)$")


def slim_flags(row):
    """For a subject of one row and no guards, made from CACHE[:1]."""
    return [f"-DSLABPROOF_ONE_ROW={row}"]


def run(words, folder, what):
    done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0:
        raise CannotWork(f"{what}:\n{done.stdout[-3000:]}")
    return done.stdout


class Subjects:
    def __init__(self, folder=None):
        self.folder = pathlib.Path(folder or BUILD / "asan" / "named_bugs")
        self.taken = folder_lock.take(self.folder, ["ci/mutants", *sys.argv[1:]])
        self.commands = {}
        self.is_linked = {}
        self.guard_objects = []
        self.lock = threading.Lock()

    def compile_words(self, source, preset):
        """How a preset compiles a source, without its output and its name."""
        if preset not in self.commands:
            found = self.commands[preset] = {}
            for entry in json.loads((BUILD / preset / "compile_commands.json").read_text()):
                if "planted" not in entry["command"]:
                    found.setdefault(entry["file"], entry)
        if f"{ROOT}/{source}" not in self.commands[preset]:
            raise CannotWork(f"preset {preset} compiles no {source}; mend ci/mutation/subjects.py")
        entry = self.commands[preset][f"{ROOT}/{source}"]
        words = shlex.split(entry["command"])
        at = words.index("-o")
        del words[at:at + 2]
        return [word for word in words if word not in ("-c", entry["file"]) and not OPTIMISATION.match(word)]

    def library(self, part, tree, folder, flags=(), sources=None, more=()):
        """The subject of a part with the allocator of `tree`, in `folder`. `more` objects are linked with it."""
        objects = [*self.compile(part, tree, folder, flags, sources or PARTS[part].sources), *more]
        # Its own functions are bound to it, so that none of the engine's takes their place; what it shares with the
        # engine is data.
        words = self.compile_words(PARTS[part].sources[0], PARTS[part].preset)
        sanitizers = [word for word in words if word.startswith("-fsanitize")]
        run([words[0], *sanitizers, "-shared", "-Wl,-Bsymbolic-functions", f"-Wl,-soname,{LIBRARY}", *objects, "-o",
             folder / LIBRARY], folder, f"{LIBRARY} of {part} cannot be linked")
        return folder

    def compile(self, part, tree, folder, flags, sources):
        folder.mkdir(parents=True, exist_ok=True)
        objects = []
        for source in sources:
            words = [word.replace(f"{ROOT}/allocator/", f"{tree}/allocator/")
                     for word in self.compile_words(source, PARTS[part].preset)]
            objects.append(folder / (pathlib.Path(source).stem + ".o"))
            guidance = GUIDANCE if part != "locked" else ["-O1"]
            run([*words, *FLAGS, *guidance, *flags, "-c", ROOT / source, "-o", objects[-1]], folder,
                f"{source} does not compile")
        return objects

    def guards(self):
        """The caches with guards of the original allocator: three quarters of what there is to compile."""
        with self.lock:
            if not self.guard_objects:
                self.guard_objects = self.compile("cache", ROOT, self.folder / "guards", (), CACHE[1:])
            return self.guard_objects

    def with_bug(self, bug, tree, folder):
        """The subject with a bug that is in `tree`, for all programs."""
        if bug.part != "cache" or bug.has_guards:
            return self.library(bug.part, tree, folder)
        return self.library(bug.part, tree, folder, sources=CACHE[:1], more=self.guards())

    def engine(self, part, name, without=()):
        """An engine of a part that looks for its subject by LD_LIBRARY_PATH, linked without these objects."""
        with self.lock:
            if (part, name, without) not in self.is_linked:
                self.is_linked[part, name, without] = self.link(part, name, without)
            return self.is_linked[part, name, without]

    def link(self, part, name, without):
        preset = PARTS[part].engines[name]
        build = BUILD / preset
        run([ROOT / "ci" / "build", preset, name], ROOT, f"{name} is not built")
        plain = self.folder / "plain" / part  # of which the linker sees the names alone
        if part == "cache":
            self.library(part, ROOT, plain, slim_flags("Large"), CACHE[:1])
        else:
            self.library(part, ROOT, plain)
        said = run(["ninja", "-C", build, "-t", "commands", f"bin/{name}"], build, f"Ninja does not tell of {name}")
        line = next((line for line in reversed(said.splitlines()) if f"-o bin/{name} " in line), None)
        if not line:
            raise CannotWork(f"Ninja does not tell how bin/{name} is linked; mend ci/mutation/subjects.py")
        words = shlex.split(line)
        words = words[words.index("&&") + 1:]
        words = words[:words.index("&&")]
        own = {f"{pathlib.PurePosixPath(source).name}.o" for source in PARTS[part].sources}
        words = [word for word in words if pathlib.PurePosixPath(word).name not in own]
        if missing := set(without) - {pathlib.PurePosixPath(word).name for word in words}:
            raise CannotWork(f"{name} has no {', '.join(missing)} to leave out; mend ci/mutation/times_engines.py")
        words = [word for word in words if pathlib.PurePosixPath(word).name not in without]
        program = self.folder / "bin" / "-".join([name, *(["without", *without] if without else [])])
        program.parent.mkdir(parents=True, exist_ok=True)
        at = words.index("-o")
        # In front of the libraries, which have the subject as well.
        words[at:at + 2] = [plain / LIBRARY, "-rdynamic", "-o", program]
        run(words, build, f"{name} cannot be linked with a shared subject")
        return program
