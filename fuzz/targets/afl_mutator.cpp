// The structure-aware mutator as AFL++ loads it: a library beside each target of programs, without sanitizers,
// since it runs in afl-fuzz. The interface is that of AFL++ 4.04, custom_mutators in its documentation.
#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

#include "fuzz/targets/mutator.hpp"
#include "fuzz/targets/program_target.hpp"

namespace {

struct Mutator {
  slabproof::SplitMix random;
  std::vector<std::uint8_t> program;
};

// AFL++ itself mutates bytes, in a stage of its own.
std::size_t leave_bytes(std::uint8_t*, std::size_t size, std::size_t) { return size; }

}  // namespace

extern "C" {

void* afl_custom_init(void*, unsigned seed) { return new (std::nothrow) Mutator{slabproof::SplitMix{seed}, {}}; }

void afl_custom_deinit(void* data) { delete static_cast<Mutator*>(data); }

std::size_t afl_custom_fuzz(void* data, const std::uint8_t* input, std::size_t size, const std::uint8_t** output,
                            const std::uint8_t*, std::size_t, std::size_t max_size) {
  Mutator& mutator = *static_cast<Mutator*>(data);
  size = std::min(size, max_size);
  std::size_t mutated = size;
  for (int tries = 0; tries < 4; ++tries) {  // a mutation may find nothing to change
    mutator.program.assign(max_size, 0);
    if (size > 0) std::memcpy(mutator.program.data(), input, size);
    mutated = slabproof::mutate_program(mutator.program.data(), size, max_size,
                                        static_cast<std::uint32_t>(mutator.random.next()), slabproof::target_row,
                                        leave_bytes);
    if (mutated != size || (size > 0 && std::memcmp(mutator.program.data(), input, size) != 0)) break;
  }
  *output = mutator.program.data();
  return mutated;
}
}
