// The structure-aware mutator as libFuzzer calls it. A file of its own: other fuzzers have no LLVMFuzzerMutate.
#include "fuzz/targets/mutator.hpp"
#include "fuzz/targets/program_target.hpp"
#include "model/subject/tested_subject.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  return slabproof::mutate_program(data, size, max_size, seed, slabproof::target_row, LLVMFuzzerMutate,
                                   slabproof::tested_subject().language);
}
