"""Each header compiled alone, and the headers that it reaches."""

import re

from kernel_code import toolchain
from shared.command import CannotWork
from shared.targets import ROOT

FOLDERS = {"slab": ROOT / "allocator/include/slab", "slab/hosted": ROOT / "allocator/hosted/slab/hosted"}
# What the allocator includes by name, which ci/check_includes goes by, and what libstdc++ 12 and the compilers
# have behind it. None of it needs an operating system.
BY_NAME = set("bit concepts cstddef cstdint new type_traits utility".split())
BEHIND = set("""
    compare initializer_list stddef.h stdint.h stdint-gcc.h
    bits/c++config.h bits/cpu_defines.h bits/cpp_type_traits.h bits/exception.h bits/move.h bits/os_defines.h
    bits/stl_pair.h bits/stl_relops.h bits/utility.h ext/numeric_traits.h ext/type_traits.h pstl/pstl_config.h
    __stddef_header_macro.h __stddef_max_align_t.h __stddef_null.h __stddef_nullptr_t.h __stddef_offsetof.h
    __stddef_ptrdiff_t.h __stddef_size_t.h __stddef_wchar_t.h""".split())
# What bits/os_defines.h of a libstdc++ for Linux reaches: glibc's macros, no declaration. One that is made for a target
# without an operating system has no such line.
OF_GLIBC = set("""
    features.h features-time64.h stdc-predef.h sys/cdefs.h bits/wordsize.h bits/timesize.h bits/long-double.h
    gnu/stubs.h gnu/stubs-64.h""".split())
ALLOWED = BY_NAME | BEHIND | OF_GLIBC
REACHED = re.compile(r"^(\.+) (\S.*)$", re.M)


def public(folder):
    """Those of the folder, as a program includes them; all of them, since nothing stops a program."""
    return [f"{folder}/{path.name}" for path in sorted(FOLDERS[folder].glob("*.hpp"))]


def differ_where_hosted():
    """Those that have lines for programs with an operating system."""
    folder = ROOT / "allocator/include"
    return [header for header in public("slab") if "__STDC_HOSTED__" in (folder / header).read_text()]


def is_allowed(header):
    return header in ALLOWED or header.startswith("slab/")


def ways_to(output, compiler):
    """Yields each header of what -H prints with those by which it is reached, as they are included."""
    way = []
    for dots, path in REACHED.findall(output):
        _, own, name = path.partition("/allocator/include/")
        path = name if own else compiler.header_name(path)
        del way[len(dots) - 1:]
        way.append(path)
        yield way


def problems_of(compiler, header, root=ROOT):
    """Yields what is wrong with it where a kernel includes nothing else. `root` has the headers."""
    words = [*toolchain.WARNINGS, *toolchain.include_of(root), "-fsyntax-only", "-H", "-"]
    done = compiler.run(words, f"#include <{header}>\n")
    reached = set()
    for *way, last in ways_to(done.stderr, compiler):
        if last not in reached and not is_allowed(last) and all(map(is_allowed, way)):
            yield (f"<{header}> reaches <{last}> with {compiler.name}, by {' and '.join(f'<{name}>' for name in way)}: "
                   "ci/kernel_code/headers.py does not allow it")
        reached.add(last)
    if done.returncode != 0:
        yield f"<{header}> does not compile alone with {compiler.name}:\n{without_headers(done.stderr)}"
    elif header not in reached:
        raise CannotWork(f"{compiler.name} -H does not say what <{header}> includes: {done.stderr[:500]}")


def problems_where_hosted(compiler, header):
    """The same in a program with an operating system, where any header may be reached."""
    words = [*toolchain.WARNINGS, *toolchain.include_of(ROOT), f"-I{ROOT}/allocator/hosted", "-fsyntax-only", "-"]
    done = compiler.run(words, f"#include <{header}>\n", own_flags=False)
    if done.returncode != 0:
        yield (f"<{header}> does not compile alone with {compiler.name} where there is an operating system:\n"
               f"{done.stderr}")


def without_headers(output):
    """What a compiler has said, without what -H adds."""
    said = output.partition("Multiple include guards may be useful for:\n")[0]
    return re.sub(r"^\.+ \S.*\n", "", said, flags=re.M).strip()
