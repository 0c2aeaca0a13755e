#include "fuzz/program_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return slabproof::fuzz_program(data, size, slab::Row::Large);
}
