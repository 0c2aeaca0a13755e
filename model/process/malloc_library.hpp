#pragma once

#include <cstddef>

#include "model/subject/subject.hpp"
#include "model/subject/tested_subject.hpp"

namespace slabproof {

/// The alignment of any type that fits into so many bytes.
constexpr std::size_t natural_align(std::size_t size) {
  std::size_t align = alignof(std::max_align_t);
  while (align > size) align /= 2;
  return align;
}

/// malloc and its family in a shared library, loaded beside those of this process, as a heap.
class MallocLibrary {
 public:
  /// What a library can have at most.
  static constexpr Abilities abilities{.sizes = true,
                                       .zeroed = true,
                                       .resizes = true,
                                       .usable_size = true,
                                       .resizes_null = true,
                                       .resizes_to_zero = true,
                                       .frees_null = true,
                                       .instances = 1,
                                       .accepts = {.most = 140'000, .max_align = 4096},
                                       .align_of = natural_align,
                                       .refuses_memory = true};
  /// What the one that is loaded has.
  static const Abilities& claims();
  /// Loads it, asks it for its first objects in a child process, and says on stderr what it has. Ends this process with
  /// status 2 and the reason where there is nothing to judge.
  static void load(const char* path);

  MallocLibrary();
  void* allocate(std::size_t size, std::size_t align);
  void* allocate_zeroed(std::size_t count, std::size_t size);
  void* reallocate(void* object, std::size_t size);
  std::size_t usable_size(void* object);
  void free(void* object);
  /// The kernel gives this process no more memory that it may write to.
  void refuse_memory(bool is_refused);
};

/// The library at `path`, or of that name where the system finds it, as what this program judges, named in `file`.
/// Loads it.
const TestedSubject& tested_library(const char* path, const char* file);

}  // namespace slabproof
