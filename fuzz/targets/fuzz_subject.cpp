// Any subject as a fuzz target.
#include <cstdio>

#include "fuzz/targets/program_target.hpp"
#include "model/subject/tested_subject.hpp"

const std::optional<slab::Row> slabproof::target_row;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  if (const char* const unseen = slabproof::unseen_libraries(); *unseen)
    std::fprintf(stderr, "INFO: linked as they are, so that memory errors in them are not seen: %s\n", unseen);
  return 0;
}
