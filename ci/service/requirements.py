"""What a fuzzing service checks before it accepts a build, and what would fail there later.

Each check says what it refuses of a delivery. The limits are those of OSS-Fuzz's bad_build_check."""

import configparser
import functools
import json
import pathlib
import re
import subprocess
import tempfile
import zipfile

from service.build import llvm, output_of
from shared.targets import INPUT_SECONDS

RUNS = 4
EDGES = 100  # a build with fewer is only partly instrumented
GUIDANCE_SECTIONS = {"libfuzzer": ("__sancov_cntrs", 1),
                     "afl": ("__sancov_guards", 4)}  # and the bytes an edge has there
# What the service counts calls of in the machine code; UBSan's runtime alone has some.
CALL = re.compile(r"\scallq?\s+[0-9a-f]+ <__(asan|msan|ubsan)")
ASAN_CALLS, UBSAN_CALLS, OTHERS_UBSAN_CALLS, OTHERS_MSAN_CALLS = 1000, 168, 200, 3
SYSTEM_LIBRARIES = re.compile(r"linux-vdso|ld-linux|lib(c|m|dl|pthread|rt|resolv|gcc_s)\.so")
NAME = re.compile(r"[A-Za-z0-9_-]+")
SUFFIXES = ("_seed_corpus.zip", ".dict", ".options")
DICTIONARY_LINE = re.compile(r'\s*(#.*)?|[\w@]*\s*=?\s*"([^"\\]|\\\\|\\"|\\x[0-9A-Fa-f]{2})+"\s*')
# Flags that only the service may give, or that must not be given at all.
RESERVED = re.compile(r"-f(no-)?(sanitize|profile|coverage)|-march=|-mtune=|-O|-g0|-s$|-Wl,(-s|--strip)|-stdlib=")


def each_target(check):
    """A check of a target, made one of a delivery: what is refused of each, with its name in front."""
    @functools.wraps(check)
    def check_all(delivery):
        return [f"{target}: {problem}" for target in delivery.targets for problem in check(delivery, target) or []]
    return check_all


def last_line(words):
    return (words.strip().splitlines() or ["nothing"])[-1]


def check_builds(d):
    if d.code:
        return [f"build.sh ends with exit code {d.code}; its last words:\n{d.last_words()}"]


def check_targets(d):
    return ([f"{name}, which is a target, is not in $OUT" for name in sorted(d.expected.keys() - set(d.targets))] +
            [f"{name} is no target and has LLVMFuzzerTestOneInput"
             for name in sorted(set(d.targets) - d.expected.keys())])


def check_names(d):
    for file in sorted(f.name for f in d.out.iterdir()):
        target = file
        for suffix in SUFFIXES:
            target = target.removesuffix(suffix)
        if not NAME.fullmatch(target):
            yield f"{file}: a target's name has letters, digits, _ and - only"
        elif target not in d.targets:
            yield f"{file} belongs to no target"


def check_source(d):
    return [f"build.sh changes the source: {path}" for path in d.changed]


def check_flags(d):
    compiled = [call for call in d.calls if "-c" in call and any(a.startswith(d.source) for a in call)]
    linked = [call for call in d.calls if "-c" not in call and "-o" in call
              and pathlib.Path(call[call.index("-o") + 1]).name in d.expected]
    if not compiled or len(linked) < len(d.expected):
        yield "not everything is compiled and linked by $CC and $CXX"
    for what, calls, due in (("compiled", compiled, d.flags), ("linked", linked, d.flags + d.library)):
        if missing := {flag for call in calls for flag in due if flag not in call}:
            yield f"something is {what} without {' '.join(sorted(missing))}"
        if own := {flag for call in calls for flag in call if RESERVED.match(flag)} - set(d.flags) - set(d.library):
            yield f"something is {what} with flags that are not the service's: {' '.join(sorted(own))}"


@each_target
def check_starts(d, target):
    if d.engine == "afl":
        words, sign = d.afl_fuzz(target), "All set and ready to roll"
    else:
        words, sign = d.run(target, "-seed=1337", f"-runs={RUNS}")[1], f"Done {RUNS} runs"
    if sign not in words:
        yield f"does not start in another folder: {last_line(words)}"


@each_target
def check_guidance(d, target):
    _, sections = output_of(["readelf", "-WS", d.out / target])
    name, bytes_an_edge = GUIDANCE_SECTIONS[d.engine]
    section = re.search(rf" {name} +\S+ +\S+ +\S+ ([0-9a-f]+) ", sections)
    edges = int(section[1], 16) // bytes_an_edge if section else 0
    if edges < EDGES:
        yield f"the engine sees {edges} edges, which are fewer than {EDGES}"


@each_target
def check_sanitizers(d, target):
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", d.out / target], capture_output=True,
                          text=True).stdout
    calls = {"asan": 0, "msan": 0, "ubsan": 0}
    for match in CALL.finditer(code):
        calls[match[1]] += 1
    if d.sanitizer == "address":
        if calls["asan"] < ASAN_CALLS:
            yield f"{calls['asan']} calls of ASan; a build with ASan has {ASAN_CALLS}"
    elif calls["asan"]:
        yield f"{calls['asan']} calls of ASan in a build without it"
    if d.sanitizer == "undefined":
        if calls["ubsan"] < UBSAN_CALLS:
            yield f"{calls['ubsan']} calls of UBSan; a build with UBSan has {UBSAN_CALLS}"
    elif calls["ubsan"] > OTHERS_UBSAN_CALLS:
        yield f"{calls['ubsan']} calls of UBSan in a build without it"
    if calls["msan"] > OTHERS_MSAN_CALLS:
        yield f"{calls['msan']} calls of MSan in a build without it"


@each_target
def check_seeds(d, target):
    try:
        with zipfile.ZipFile(d.out / f"{target}_seed_corpus.zip") as archive, tempfile.TemporaryDirectory() as folder:
            if damaged := archive.testzip():
                yield f"the seed {damaged} is damaged"
                return
            archive.extractall(folder)
            seeds = sorted(f for f in pathlib.Path(folder).rglob("*") if f.is_file())
            if target in d.expected and len(seeds) != d.expected[target].seeds:
                yield f"{len(seeds)} seeds where {d.expected[target].seeds} are committed"
            if long := [s.name for s in seeds if target in d.expected
                        and s.stat().st_size > d.expected[target].max_len]:
                yield f"the seed {long[0]} is longer than max_len"
            code, words = d.run(target, *(["-runs=0", folder] if d.engine == "libfuzzer" else seeds))
            if code != 0:
                yield f"fails with its seeds: {last_line(words)}"
    except (OSError, zipfile.BadZipFile, zipfile.zlib.error) as error:
        yield f"its archive of seeds cannot be read: {error}"


@each_target
def check_dictionary(d, target):
    file = d.out / f"{target}.dict"
    if not file.exists():
        if target in d.expected and d.expected[target].dictionary:
            yield "has no dictionary"
        return
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        if not DICTIONARY_LINE.fullmatch(line):
            yield f"line {number} of its dictionary is not of the form name=\"value\""
    if d.engine == "libfuzzer":
        code, words = d.run(target, "-runs=0", f"-dict={file}")
        if code != 0 or not re.search(r"^Dictionary: [1-9]", words, re.MULTILINE):
            yield f"takes nothing from its dictionary: {last_line(words)}"


@each_target
def check_options(d, target):
    options = configparser.ConfigParser()
    try:
        if not options.read(d.out / f"{target}.options"):
            yield "has no options"
            return
    except configparser.Error as error:
        yield f"its options cannot be read: {error}"
        return
    if options.sections() != ["libfuzzer"]:
        yield f"its options have the sections {options.sections()}, not one named libfuzzer"
        return
    given = dict(options["libfuzzer"])
    if target in d.expected:
        for key, value in (("max_len", d.expected[target].max_len), ("timeout", INPUT_SECONDS)):
            if given.get(key) != str(value):
                yield f"its option {key} is {given.get(key)}, not {value}"
    if d.engine == "libfuzzer":
        _, words = d.run(target, "-runs=0", *(f"-{key}={value}" for key, value in given.items()))
        for flag in re.findall(r"WARNING: unrecognized flag '-(.*?)'", words):
            yield f"libFuzzer does not know its option {flag}"


@each_target
def check_symbols(d, target):
    _, sections = output_of(["readelf", "-WS", d.out / target])
    if " .debug_line " not in sections:
        yield "is stripped of its line numbers"


@each_target
def check_libraries(d, target):
    _, libraries = output_of(["ldd", d.out / target])
    for line in filter(None, map(str.strip, libraries.splitlines())):
        if not SYSTEM_LIBRARIES.search(line):
            yield f"needs a library that the service does not have: {line.split()[0]}"


@each_target
def check_coverage(d, target):
    with tempfile.TemporaryDirectory() as folder:
        raw, merged = f"{folder}/profraw", f"{folder}/profdata"
        d.run(target, f"-runs={RUNS}", "-seed=1337", LLVM_PROFILE_FILE=raw)
        code, words = output_of([f"{llvm()}/bin/llvm-profdata", "merge", "-o", merged, raw])
        if code != 0:
            yield f"leaves no profile: {last_line(words)}"
            return
        code, words = output_of(
            [f"{llvm()}/bin/llvm-cov", "export", "-summary-only", f"-instr-profile={merged}", d.out / target])
    if code != 0:
        yield f"llvm-cov cannot tell what it covers: {last_line(words)}"
        return
    files = json.loads(words[words.index("{"):])["data"][0]["files"]
    if not any(f["summary"]["lines"]["covered"] for f in files if f["filename"].startswith(d.source)):
        yield "covers nothing of the source"


CHECKS = {function.__name__.removeprefix("check_"): function for function in (
    check_builds, check_targets, check_names, check_source, check_flags, check_starts, check_guidance, check_sanitizers,
    check_seeds, check_dictionary, check_options, check_symbols, check_libraries, check_coverage)}
NOT_FOR = {"guidance": "coverage", "coverage": ("address", "undefined")}  # the sanitizers that a check is not made with


def examine(delivery):
    """For each check what it refuses: nothing if the list is empty; None if the check does not apply."""
    refused = {name: None for name in CHECKS}
    refused["builds"] = check_builds(delivery) or []
    if not delivery.code:
        for name, check in CHECKS.items():
            if delivery.sanitizer not in NOT_FOR.get(name, ""):
                refused[name] = list(check(delivery) or [])
    return refused


class Expected:
    """What the source promises of a target."""

    def __init__(self, max_len, seeds, dictionary):
        self.max_len, self.seeds, self.dictionary = max_len, seeds, dictionary
