"""Shows that the allocator is what docs/kernel.md says of it, as g++ 12, clang 14 and clang 19 compile it with the
flags of that page. Each header compiles alone, without a warning, and reaches no header but those that
ci/kernel_code/headers.py allows. All rows and policies ask the linker for memcpy, memmove, memset, memcmp and what
backend, lock and on_misuse declare; nothing runs before or after main, nothing is guarded or thread-local: at -O0, -Os
and -O2. At -O2 only reserve() divides, there is no recursion, and the stack of alloc and free has a bound.

Prints the bytes of text and of stack that alloc and free take at -O2, and fails when one is more than
ci/freestanding_bounds.txt allows. The stack is that of the deepest way, with the address that the call returns to; what
backend, lock, on_misuse and the four functions need comes on top.

exit: 0 nothing wrong, 1 something is, 2 something was not checked, as with a compiler that is not installed"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from kernel_code import bounds, headers, machine_code, objects, toolchain
from shared import command, text
from shared.command import CannotWork
from shared.targets import ROOT

SOURCE = ROOT / "properties/allocator/freestanding.cpp"
DECODER = ROOT / "model/program/decoder.cpp"
ROWS = ("SmallSinglePage", "SmallMultiPage", "Large")
MEASURED = [*(f"CacheOf<{row}, {policy}>" for policy in ("Unchecked", "Checked", "Debug") for row in ROWS),
            *(f"DynamicCacheOf<{row}, {policy}>" for policy in ("Unchecked", "Checked") for row in ROWS),
            *(f"LockedOf<{row}, Checked>" for row in ROWS),
            "SizeClassesOf<Unchecked>", "SizeClassesOf<Checked>"]
SLABS = {"alloc_slab", "free_slab"}
MAP = {"save_slab_info", "get_slab_info", "delete_slab_info"}
INFOS = {"alloc_slab_info", "free_slab_info"}
OF_ROW = {"SmallSinglePage": SLABS, "SmallMultiPage": SLABS | MAP, "Large": SLABS | MAP | INFOS}
OF_BACKEND = re.compile(r"_ZN6kernel7Backend\d+([a-z_]+)E")
OF_LOCK = re.compile(r"_ZN6kernel4Lock(4lock|6unlock)Ev$")
OF_POLICY = re.compile(r"_ZN6kernel6PolicyI\w+E9on_misuseERKNS?\w+MisuseReportE$")
MAY_DIVIDE = re.compile(r"reserve|make_slabs_for")


def is_spared(compiler):
    """Whether it compiles less, so that all takes no minute: every row and policy of a Cache, and the rest at -O0."""
    return compiler.name == "clang++-14"


def caches_of(compiler):
    """Those that are measured with it."""
    return [cache for cache in MEASURED if cache.startswith("Cache") or not is_spared(compiler)]


def asked_for_by(cache):
    """Which undefined symbols are the cache's: what its row may ask the backend for. None: all caches'."""
    row = "Large" if not cache else next((row for row in ROWS if row in cache), "SmallMultiPage")
    with_lock = not cache or cache.startswith("Locked")

    def is_asked_for(name):
        if m := OF_BACKEND.match(name):
            return m[1] in OF_ROW[row]
        return bool(OF_POLICY.match(name) or with_lock and OF_LOCK.match(name))
    return is_asked_for


class Checked:
    """What one piece of work has found."""

    def __init__(self, problems, key=None, figures=None):
        self.problems, self.key, self.figures = list(problems), key, figures


def compile_and_check(compiler, source, level, cache=None, is_asked_for=lambda name: False, root=ROOT):
    """The objects.Object or None, and what is wrong with it."""
    what = f"{cache or source.name} with {compiler.name} {level}"
    define = [f"-DCACHE={cache}"] if cache else []
    dump, said = toolchain.compile_to_object(compiler, source, [level, *define], root)
    if dump is None:
        return None, [f"{what} does not compile:\n{said}"]
    made = objects.Object(dump)
    return made, [f"{what} {problem}" for problem in objects.problems(made, is_asked_for)]


def measure(compiler, cache, source=SOURCE, root=ROOT):
    """Checked, with the cache's figures."""
    made, problems = compile_and_check(compiler, source, "-O2", cache, asked_for_by(cache), root)
    if not made:
        return Checked(problems)
    code = machine_code.MachineCode(made)
    what = f"{cache} with {compiler.name} -O2"
    problems += [f"{what} divides in {name}" for name in code.divisions() if not MAY_DIVIDE.search(name)]
    taken, behind = [], set()
    try:
        for name in code.functions:
            code.depth(name)
        for name in ("measured_alloc", "measured_free"):
            if name not in code.functions:
                raise CannotWork(f"{what}: {name} is not in the object file")
            reached = code.reached(name)
            behind |= reached
            taken += [code.text([name]), code.text(reached), code.depth(name)]
    except machine_code.NotTold as reason:
        return Checked([*problems, f"{what}: {reason}"])
    return Checked(problems, (compiler.name, cache), bounds.Figures(*taken, code.text(behind)))


def work_for(compilers):
    """What there is to do, the longest first, as functions that return a Checked."""
    def later(function, *arguments):
        return lambda: Checked(function(*arguments))

    def compiled(*arguments):
        return compile_and_check(*arguments)[1]

    for compiler in compilers:
        for level in ("-O0", "-Os")[:1 if is_spared(compiler) else 2]:
            yield later(compiled, compiler, SOURCE, level, None, asked_for_by(None))
    for cache in reversed(MEASURED):
        for compiler in compilers:
            if cache in caches_of(compiler):
                yield lambda compiler=compiler, cache=cache: measure(compiler, cache)
    for compiler in compilers:
        for level in ("-O0", "-O2"):
            yield later(compiled, compiler, DECODER, level)
        for header in headers.public("slab"):
            yield later(headers.problems_of, compiler, header)
        for header in [*headers.differ_where_hosted(), *headers.public("slab/hosted")]:
            yield later(headers.problems_where_hosted, compiler, header)


def all_done(work, patience=5):
    """The results, in the order of the work. Says on stderr how far it is when it takes long."""
    work, begin, said = list(work), time.monotonic(), time.monotonic()
    pool = concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0)))
    try:
        futures = [pool.submit(one) for one in work]
        for number, _ in enumerate(concurrent.futures.as_completed(futures), 1):
            if time.monotonic() >= said + patience:
                said = time.monotonic()
                print(f"ci/freestanding: {number} of {len(work)} done in {text.clock(said - begin)}", file=sys.stderr)
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


def print_figures(figures):
    for compiler in dict.fromkeys(name for name, _ in figures):
        rows = [[f"bytes with {compiler} -O2", *bounds.COLUMNS]]
        rows += [[cache, *(f"{n:,}" for n in taken)] for (name, cache), taken in figures.items() if name == compiler]
        print("\n".join(text.table(rows)) + "\n")
    print("alloc, free: text at the place of a call; behind: of the functions that it calls; both: of those that "
          "either calls.\nThe stack is without that of backend, lock, on_misuse, memcpy, memmove, memset and memcmp.\n")


def compare_or_update(figures, versions, update):
    """What has grown, and what docs/kernel.md says otherwise."""
    if update:
        bounds.update(figures, versions)
        return []
    allowed, allowed_versions = bounds.read()
    problems = list(bounds.problems_of(figures, versions, allowed, allowed_versions))
    page = toolchain.PAGE.read_text()
    if page != bounds.in_page(page, allowed):
        problems.append(f"{toolchain.PAGE.relative_to(ROOT)} has another table than ci/freestanding_bounds.txt: "
                        "ci/freestanding --update writes both")
    if less := bounds.shrunk(figures, allowed):
        print(f"Less than allowed by 3 % or more: {', '.join(less)}. ci/freestanding --update lowers the bounds.\n")
    return problems


def check_objects(paths):
    """Whether these object files, linked together, ask for nothing else and run nothing by themselves."""
    made = objects.Object(toolchain.disassemble(paths))
    if not any(made.instructions.values()):
        raise CannotWork(f"there is no code in {' '.join(map(str, paths))}")
    problems = list(objects.problems(made))
    print("\n".join(problems) or f"nothing wrong with {text.counted(len(paths), 'object file')}")
    return 1 if problems else 0


def main():
    parser = command.parser("ci/freestanding", __doc__)
    parser.add_argument("--update", action="store_true",
                        help="write the bounds and the table of docs/kernel.md, if nothing else is wrong")
    parser.add_argument("--installed", action="store_true",
                        help="install nothing that is missing, as ci/setup --kernel does otherwise")
    parser.add_argument("--objects", metavar="FILE", nargs="+", type=pathlib.Path,
                        help="look at object files instead: that all of them together ask the linker for nothing but "
                        "the four functions, and have nothing that runs by itself, is guarded or thread-local")
    arguments = parser.parse_args()
    if arguments.objects and arguments.update:
        parser.error("--objects and --update do not go together")
    if arguments.objects:
        return check_objects(arguments.objects)
    if not arguments.installed:
        if subprocess.run([ROOT / "ci" / "setup", "--kernel"], stdout=sys.stderr).returncode != 0:
            raise CannotWork("what is missing is named above; with --installed the other compilers are used")
    compilers, missing = toolchain.compilers()
    if arguments.update and missing:
        raise CannotWork(f"{' and '.join(missing)} is not installed: no bounds are written without")
    begin = time.monotonic()
    results = all_done(work_for(compilers)) if compilers else []
    figures = {key: taken for key in ((c.name, cache) for c in compilers for cache in caches_of(c))
               for result in results if result.key == key and (taken := result.figures)}
    problems = [problem for result in results for problem in result.problems]
    if figures:
        print_figures(figures)
    if not problems:
        problems = compare_or_update(figures, {c.name: c.version for c in compilers}, arguments.update)
    if problems:
        print("\n".join(problems))
        if missing:
            print(f"left out: {', '.join(missing)}")
        return 1
    if missing:
        raise CannotWork(f"{' and '.join(missing)} is not installed: ci/setup --kernel installs it. Nothing is said of "
                         f"what it compiles; {', '.join(c.name for c in compilers) or 'no other'} found nothing wrong")
    print(f"nothing wrong: {text.counted(len(results), 'compilation')} by {', '.join(c.name for c in compilers)} in "
          f"{text.clock(time.monotonic() - begin)}")
    return 0


if __name__ == "__main__":
    sys.exit(command.run(main, "ci/freestanding"))
