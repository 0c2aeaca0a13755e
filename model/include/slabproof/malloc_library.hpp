#pragma once

#include "model/process/malloc_library.hpp"

/// Makes malloc and its family in a shared library what this program judges: docs/subjects.md. Once a program, outside
/// of namespaces.
#define SLABPROOF_MALLOC_LIBRARY(PATH)                          \
  const slabproof::TestedSubject& slabproof::tested_subject() { \
    static const TestedSubject& subject = tested_library(PATH); \
    return subject;                                             \
  }                                                             \
  static_assert(true)
