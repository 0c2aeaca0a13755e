"""The adapters that ci/subject writes. Those of --new compile as they are, on malloc, until what is yours takes its
place."""

import pathlib
import re

from shared.command import CannotWork

_PROMISES = """\
  // What it promises; every promise is judged. The list of them: model/subject/abilities.hpp, and docs/subjects.md.
  static constexpr slabproof::Abilities abilities{
"""
_POOL = """#include <cstdlib>

#include <slabproof/subject.hpp>

class NAME {
 public:
""" + _PROMISES + """\
      .accepts = {.least = 1, .most = 4096, .multiple_of = 1, .max_align = 16},  // of the objects it is asked for
      // .takes_memory = true,  // from slabproof::Memory, which fails at times; all of it must come back
      // .capacity = 100,       // so many objects fit at once, always
  };

  // Or (slabproof::Objects, slabproof::Memory) with takes_memory.
  explicit NAME(slabproof::Objects objects) : size_{objects.size} {}
  ~NAME() = default;

  // An object, or null when there is no memory.
  void* alloc() { return std::malloc(size_); }
  void free(void* object) { std::free(object); }

 private:
  std::size_t size_;
};
SLABPROOF_SUBJECT(NAME);
"""
_HEAP = """#include <cstdlib>

#include <slabproof/subject.hpp>

class NAME {
 public:
""" + _PROMISES + """\
      .sizes = true,        // allocate(size, align)
      .zeroed = true,       // allocate_zeroed(count, size)
      .resizes = true,      // reallocate(object, size)
      .sized_free = false,  // true: free(object, size)
      .accepts = {.least = 1, .most = 4096, .multiple_of = 1, .max_align = 16},
      // .takes_memory = true,  // from slabproof::Memory, which fails at times; all of it must come back
  };

  // Or NAME(slabproof::Memory) with takes_memory.
  NAME() = default;

  // An object, or null when there is no memory; null too where count * size is too large.
  void* allocate(std::size_t size, std::size_t) { return std::malloc(size); }
  void* allocate_zeroed(std::size_t count, std::size_t size) { return std::calloc(count, size); }
  // Null leaves the object as it was.
  void* reallocate(void* object, std::size_t size) { return std::realloc(object, size); }
  void free(void* object) { std::free(object); }
};
SLABPROOF_SUBJECT(NAME);
"""
_C = """#include <cstddef>
#include <cstdlib>

#include <slabproof/subject.hpp>

// Yours, in the place of these functions: extern "C" { ... } around its header, and its sources or library after --,
// such as: ci/subject FILE -- their_pool.c
extern "C" {
typedef struct their_pool {
  std::size_t size;
} their_pool;
static void their_pool_init(their_pool* pool, std::size_t size) { pool->size = size; }
static void their_pool_destroy(their_pool*) {}
static void* their_pool_alloc(their_pool* pool) { return std::malloc(pool->size); }
static void their_pool_free(their_pool*, void* object) { std::free(object); }
}

class NAME {
 public:
""" + _PROMISES + """\
      .accepts = {.least = 1, .most = 4096, .multiple_of = 1, .max_align = 16},  // of the objects it is asked for
      // .capacity = 100,   // so many objects fit at once, always
      // .instances = 1,    // its state is in globals
  };

  explicit NAME(slabproof::Objects objects) { their_pool_init(&pool_, objects.size); }
  ~NAME() { their_pool_destroy(&pool_); }

  void* alloc() { return their_pool_alloc(&pool_); }
  void free(void* object) { their_pool_free(&pool_, object); }

 private:
  their_pool pool_;
};
SLABPROOF_SUBJECT(NAME);
"""
_RESOURCE = """#include <cstddef>
#include <memory_resource>

#include <slabproof/memory_resource.hpp>

// Yours, in the place of this class. Where its constructor takes an upstream, that one fails at times, and all memory
// must come back to it. It needs no adapter then: ci/subject --resource NAME --include HEADER
class NAME : public std::pmr::memory_resource {
 public:
  explicit NAME(std::pmr::memory_resource* upstream) : upstream_{upstream} {}

 private:
  // Throws std::bad_alloc when there is no memory.
  void* do_allocate(std::size_t size, std::size_t align) override { return upstream_->allocate(size, align); }
  void do_deallocate(void* object, std::size_t size, std::size_t align) override {
    upstream_->deallocate(object, size, align);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::pmr::memory_resource* upstream_;
};
SLABPROOF_RESOURCE(NAME);
"""
TAKEN = frozenset("""
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl
concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq std slabproof""".split())
# What begins a file that is no user's: --as-test takes its text then (fuzz/replay/subject_test/as_test.cpp).
HEAD = "// Written by ci/subject. A test of it has what follows, and not this file.\n"
# Which library is said when it runs, so that it is compiled once for all.
OF_MALLOC = HEAD + """#include <cstdlib>

#include <slabproof/malloc_library.hpp>
SLABPROOF_MALLOC_LIBRARY(std::getenv("SLABPROOF_MALLOC"));
"""
OF_RESOURCE = HEAD + """#include {header}

#include <slabproof/memory_resource.hpp>
SLABPROOF_RESOURCE({type});
"""
KINDS = {"pool": _POOL, "heap": _HEAP, "c": _C, "resource": _RESOURCE}


def write(name, kind):
    """Writes name_subject.cpp here, and returns its path. What is there already stays."""
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or name in TAKEN:
        raise CannotWork(f"--new {name!r}: no name of a C++ class")
    path = pathlib.Path(f"{re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '_', name).lower()}_subject.cpp")
    text = "// NAME under slabproof: ci/subject FILE\n" + KINDS[kind]
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text.replace("FILE", str(path)).replace("NAME", name))
    except FileExistsError:
        raise CannotWork(f"{path} is there already") from None
    return path
