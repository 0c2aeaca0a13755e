#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/program/language.hpp"
#include "model/subject/subject.hpp"

namespace slabproof {

/// What a program of the harness judges.
struct TestedSubject {
  const char* name;   // of the class, for people
  MakeSubject make;
  Language language;  // of its programs
  std::size_t capacity = 0;  // as its abilities have it
  /// Of one that names_globals where they are; of others nothing. Null: nothing either.
  std::vector<std::span<std::byte>> (*globals)() = nullptr;
  // Of a pool or a heap, for tests that drive its class themselves.
  const Abilities* abilities = nullptr;
  bool takes_objects = false, takes_source = false;  // what its constructor takes: Objects, Memory
  bool frees_with_align = false;  // its free() takes an alignment besides the size
  Arena::Room room{};
  const char* file = "";  // that names it, as its compiler knows it
  bool is_library = false;  // which the harness's own code loads (model/process/malloc_library.hpp)
};

/// Defined once a program: by slab_subject.cpp, or by SLABPROOF_SUBJECT in a file that is linked in its place.
const TestedSubject& tested_subject();

/// The libraries of the subject that are linked as they are, by name: no sanitizer sees what happens in them, and no
/// fuzzer is guided by it. Nothing where there are none. Written by slabproof_add_subject().
const char* unseen_libraries();

}  // namespace slabproof
