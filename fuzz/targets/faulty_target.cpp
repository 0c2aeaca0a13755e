// A target that goes wrong in every way there is, for ci/campaign/overnight_test.py. No fuzzer guesses how: an input
// says it in its first eight bytes, which only their hash is compared of. Any other input is one that may be new.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

#include "fuzz/chain/record_file.hpp"
#include "fuzz/targets/statistics_file.hpp"

namespace {

constexpr std::uint64_t hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : text) hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3;
  return hash;
}

volatile std::uint64_t sink;

void go_wrong(std::uint64_t how) {
  if (how == hash("!crash!!")) std::abort();
  if (how == hash("!exit!!!")) std::_Exit(0);
  while (how == hash("!hang!!!")) sink = how;
  if (how == hash("!memory!")) {
    constexpr std::size_t size = std::size_t{400} << 20;
    char* const memory = static_cast<char*>(std::malloc(size));
    std::memset(memory, 1, size);
    std::this_thread::sleep_for(std::chrono::seconds{1});  // until the test has looked
    sink = static_cast<std::uint64_t>(memory[size / 2]);
    std::free(memory);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static slabproof::StatisticsFile statistics;
  static slabproof::RecordFile record{slabproof::InputKind::Geometry};
  const slabproof::RecordFile::Input recorded{record, data, size};
  statistics.add(1, 1);
  if (size >= 8) go_wrong(hash({reinterpret_cast<const char*>(data), 8}));
  for (std::size_t i = 0; i < size; ++i) {
    switch (data[i] % 8) {
      case 0: sink = 10; break;
      case 1: sink = sink + 11; break;
      case 2: sink = sink * 12; break;
      case 3: sink = sink ^ 13; break;
      case 4: sink = sink - 14; break;
      case 5: sink = sink | 15; break;
      case 6: sink = sink & 16; break;
      default: sink = sink >> 1; break;
    }
  }
  return 0;
}
