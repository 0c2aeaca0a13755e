// Prints the event log's digest of each program in some folders, and how many events it has, as the runner writes them.
// ci/kernel compares them with what its kernel prints.
//   event_digests FOLDER...
//   event_digests --steps FILE  of one program how many events there are, and their digest, once its caches are made,
//                               after each operation, and at the end
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "model/judge/runner.hpp"
#include "model/program/decoder.hpp"
#include "model/program/trace.hpp"
namespace {
using namespace slabproof;

Runner& runner() {
  static Runner one{tested_subject().make, Arena::default_base, slab_language_without_misuse};
  return one;
}

void require_agreement(const Verdict& verdict) {
  if (verdict.agreed()) return;
  std::fprintf(stderr, "a program without misuse: %s\n", verdict.sentence().c_str());
  std::exit(1);
}

std::uint64_t execute(const std::vector<std::uint8_t>& bytes, std::uint64_t& events) {
  require_agreement(runner().run(bytes));
  events = runner().log().count();
  return runner().log().digest();
}

void print_steps(const std::vector<std::uint8_t>& bytes) {
  const auto print = [](const char* step) {
    std::printf("%" PRIu64 " %016" PRIx64 " %s\n", runner().log().count(), runner().log().digest(), step);
  };
  Decoder decoder{bytes.data(), bytes.size(), slab_language_without_misuse};
  bool going = runner().start(decoder.setup());
  print("the caches are made");
  std::uint32_t number = 0;
  for (Operation operation; going && decoder.next(operation); ++number) {
    going = runner().step(operation);
    print((std::to_string(number) + " " + to_text(operation)).c_str());
  }
  if (going) runner().finish();
  print("the end");
  require_agreement(runner().verdict());
}

std::vector<std::uint8_t> bytes_of(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  const std::vector<char> read{std::istreambuf_iterator<char>{stream}, {}};
  return {read.begin(), read.end()};
}
}  // namespace

int main(int count, char** arguments) {
  if (count == 3 && std::strcmp(arguments[1], "--steps") == 0) {
    print_steps(bytes_of(arguments[2]));
    return 0;
  }
  for (int i = 1; i < count; ++i) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{arguments[i]}) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      std::uint64_t events = 0;
      const std::uint64_t digest = execute(bytes_of(file), events);
      std::printf("%016" PRIx64 " %" PRIu64 " %s\n", digest, events, file.c_str());
    }
  }
}
