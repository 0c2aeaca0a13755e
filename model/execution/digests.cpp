// Prints the event log's digest of each program in some folders, and how many events it has: as the runner writes them,
// or, where SLABPROOF_KERNEL is defined, as the executor that is linked to it does. kernel_executor.cmake compares
// the two.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#ifdef SLABPROOF_KERNEL
extern "C" std::uint64_t slabproof_execute(const std::uint8_t* data, std::size_t size, std::uint64_t* events);
namespace {
std::uint64_t execute(const std::vector<std::uint8_t>& bytes, std::uint64_t& events) {
  return slabproof_execute(bytes.data(), bytes.size(), &events);
}
}  // namespace
#else
#include "model/judge/runner.hpp"
namespace {
std::uint64_t execute(const std::vector<std::uint8_t>& bytes, std::uint64_t& events) {
  using namespace slabproof;
  static Runner runner{tested_subject().make, Arena::default_base, slab_language_without_misuse};
  if (const Verdict verdict = runner.run(bytes); !verdict.agreed()) {
    std::fprintf(stderr, "a program without misuse: %s\n", verdict.sentence().c_str());
    std::exit(1);
  }
  events = runner.log().count();
  return runner.log().digest();
}
}  // namespace
#endif

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{arguments[i]}) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      std::ifstream stream{file, std::ios::binary};
      const std::vector<char> read{std::istreambuf_iterator<char>{stream}, {}};
      std::uint64_t events = 0;
      const std::uint64_t digest = execute({read.begin(), read.end()}, events);
      std::printf("%016" PRIx64 " %" PRIu64 " %s\n", digest, events, file.c_str());
    }
  }
}
