#pragma once

#include "model/process/malloc_library.hpp"

/// Makes malloc and its family in a shared library what this program judges: docs/subjects.md. Once a program, outside
/// of namespaces.
#if defined(SLABPROOF_IN_A_TEST)
#define SLABPROOF_MALLOC_LIBRARY(PATH)               \
  using SlabproofSubject = slabproof::MallocLibrary; \
  const bool slabproof_library_is_loaded = (slabproof::MallocLibrary::load(PATH), true)
#else
#define SLABPROOF_MALLOC_LIBRARY(PATH)                                         \
  const slabproof::TestedSubject& slabproof::tested_subject() {                \
    static const TestedSubject& subject = tested_library(PATH, __BASE_FILE__); \
    return subject;                                                            \
  }                                                                            \
  static_assert(true)
#endif
