// Prints digests of the event logs of some programs; model/judge/digests.cmake compares them across compilers.
#include <cinttypes>
#include <cstdio>

#include "model/judge/runner.hpp"
#include "model/program/random_bytes.hpp"
#include "model/subject/saboteur.hpp"

int main() {
  slabproof::Runner runner{slabproof::make_saboteur};  // breaks nothing unless told to
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const auto verdict = runner.run(slabproof::random_bytes(seed, 400));
    std::printf("%s %" PRIu64 " %016" PRIx64 "\n", verdict.sentence().c_str(), runner.log().count(),
                runner.log().digest());
  }
}
