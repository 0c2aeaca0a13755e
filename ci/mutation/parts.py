"""What ci/mutants changes: the allocator, or the judge of it. Here is all in which they differ but for their checks."""

import dataclasses
import re
import typing

CACHES = ("model/subject/slab_subject.cpp", "model/subject/slab_guarded_large.cpp",
          "model/subject/slab_guarded_single_page.cpp", "model/subject/slab_guarded_multi_page.cpp")
# To optimise functions of so many branches takes minutes. A Cache does what the DynamicCache of its geometry does.
UNOPTIMISED = """
target_compile_definitions(slab_subjects PRIVATE SLABPROOF_ONE_CACHE)
foreach(target {targets})
  target_compile_options(${{target}} PRIVATE -O0 -g0)
endforeach()
"""
TARGETS = """slab_subjects slab_damage sizes_subject hosted_subject small_hosted_subject locked_explore
        allocator_test"""
# Otherwise what cannot be reached is whatever comes next.
UNREACHABLE = """
target_compile_options(operator_new_test PRIVATE -fsanitize=unreachable -fsanitize-trap=unreachable)
"""
# A source that is compiled with others has its mistakes told as theirs.
ALONE = """
target_compile_definitions(planted_subject PRIVATE SLABPROOF_ONE_CACHE)
set_source_files_properties({sources}
  TARGET_DIRECTORY model judge_at_full_speed PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
"""


@dataclasses.dataclass(frozen=True)
class Part:
    name: str  # of its folder in build/, and of its results
    title: str
    folders: tuple  # where its sources are
    others: str  # how the keys of the other part begin
    units: typing.Callable  # the sources that between them include all of it, from a root
    has: typing.Callable  # whether it is of this part, from a path below the root
    included: tuple  # folders that are looked for headers in
    rooms: tuple  # those in which the switches of its mutants are found
    sources: tuple  # that instantiate what the checks do
    cmake: str
    build_seconds: int

    def digested(self, files):
        """The sources that a result is of: all in these folders, but of the judge what has mutants."""
        return self.folders if self is ALLOCATOR else tuple(sorted(files))


ALLOCATOR = Part(
    name="mutants", title="allocator", folders=("allocator",), others="model/",
    units=lambda root: ("slab/slab.hpp", "slab/size_classes.hpp", "slab/locked.hpp", "slab/operator_new.hpp",
                        "slab/hosted/backend.hpp", "slab/hosted/memory_resource.hpp"),
    has=lambda path: path.startswith("allocator/"), included=("allocator/include", "allocator/hosted"),
    rooms=("allocator/include", "allocator/hosted"),
    sources=(*CACHES, "examples/subjects/size_classes.cpp", "properties/hosted/hosted_subject.cpp",
             "properties/locked/explore_locked.cpp", "properties/locked/world.cpp"),
    cmake=UNOPTIMISED.format(targets=TARGETS) + UNREACHABLE, build_seconds=240)

OF_JUDGE = re.compile(r"model/(judge/.*|memory/(recording_backend|contents|block_table|region)\w*\.[ch]pp|"
                      r"subject/(inspector|slab_audit)\.hpp)")
# What is tried with the judge, and the programs that a compiler of every kind must agree about.
NO_JUDGE = re.compile(r".*(_test\.cpp|/ablation\.[ch]pp|/digests\.\w+)")


def is_of_judge(path):
    return bool(OF_JUDGE.fullmatch(path)) and not NO_JUDGE.fullmatch(path)


def sources_of_judge(root):
    """In the order of their names."""
    found = (path.relative_to(root).as_posix() for path in sorted((root / "model").rglob("*.cpp")))
    return tuple(filter(is_of_judge, found))


def judge(root):
    sources = sources_of_judge(root)
    targets = "slab_subjects planted_subject model judge_at_full_speed saboteur model_test"
    paths = " ".join(f"${{PROJECT_SOURCE_DIR}}/{source}" for source in sources)
    return Part(
        name="mutants-judge", title="judge", folders=("model",), others="allocator/",
        units=lambda _: (*sources, "model/subject/inspector.hpp", "model/subject/slab_audit.hpp"), has=is_of_judge,
        included=(".", "allocator/include"), rooms=(".",), sources=(*sources, *CACHES[:2]),
        cmake=UNOPTIMISED.format(targets=targets) + ALONE.format(sources=paths), build_seconds=300)
