// How fast the harness runs programs: docs/decisions/harness-speed.md.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/targets/mutator.hpp"
#include "model/judge/runner.hpp"
#include "model/program/byte_format.hpp"
#include "model/program/codec.hpp"
#include "model/program/decoder.hpp"
#include "model/program/random_bytes.hpp"

namespace slabproof {
namespace {

constexpr const char* usage =
    "usage: harness_speed CORPUS [--seconds N]\n"
    "\n"
    "Runs programs in this process, for N seconds (default 2) a line, and prints how many a second of\n"
    "processor time. Of each row, and of all: 500 of 64 operations, made as the fuzzer's mutator inserts them;\n"
    "of each row those of CORPUS/fuzz_*, cut to 64, and as many from random bytes. Events are operations and\n"
    "backend calls: one reserve can make thousands.\n"
    "\n"
    "Exit status: 0 done, 1 a program fails, 2 there are no programs.\n";

constexpr std::size_t operations_per_input = 64;

using Bytes = std::vector<std::uint8_t>;
struct Row {
  slab::Row row;
  const char* target;
};
constexpr Row rows[] = {{slab::Row::SmallSinglePage, "fuzz_small_single_page"},
                        {slab::Row::SmallMultiPage, "fuzz_small_multi_page"},
                        {slab::Row::Large, "fuzz_large"}};

Bytes cut(const Bytes& bytes) {
  Program program = decode(bytes);
  program.operations.resize(std::min(program.operations.size(), operations_per_input));
  return encode(program);
}

std::vector<Bytes> from_corpus(const std::filesystem::path& folder) {
  std::vector<Bytes> programs;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    std::ifstream in{entry.path(), std::ios::binary};
    programs.push_back(cut(Bytes{std::istreambuf_iterator<char>{in}, {}}));
  }
  return programs;
}

std::vector<Bytes> from_random_bytes(slab::Row row, std::size_t count) {
  std::vector<Bytes> programs;
  for (std::uint64_t seed = 0; programs.size() < count; ++seed) {
    const Bytes bytes = random_bytes(seed, 1024);
    if (decode_setup(bytes.data(), bytes.size()).caches[0].row() == row) programs.push_back(cut(bytes));
  }
  return programs;
}

std::vector<Bytes> from_mutator(slab::Row row) {
  std::vector<Bytes> programs;
  SplitMix random{1};
  while (programs.size() < 500) {
    Bytes bytes(4096);
    std::size_t size = format::header_size;
    for (std::size_t i = 0; i < size; ++i) bytes[i] = random.byte();
    bytes[format::swarm_at] = bytes[format::swarm_at + 1] = 0;  // every operation occurs
    if (decode_setup(bytes.data(), size).caches[0].row() != row) continue;
    std::size_t operations = 0;
    while (operations < operations_per_input && size + 64 < bytes.size()) {
      if (const std::size_t grown = apply_mutation(Mutation::Insert, bytes.data(), size, bytes.size(), random, nullptr))
        size = grown;
      operations = decode({bytes.data(), size}).operations.size();
    }
    bytes.resize(size);
    programs.push_back(cut(bytes));
  }
  return programs;
}

double processor_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

bool measure(Runner& runner, const char* target, const char* source, const std::vector<Bytes>& programs, double limit) {
  const std::uint64_t before = runner.operations();
  const double begin = processor_seconds();
  double seconds = 0;
  std::uint64_t inputs = 0, events = 0;
  while (seconds < limit) {
    for (const Bytes& bytes : programs) {
      const Verdict verdict = runner.run(bytes);
      if (!verdict.agreed()) return std::printf("%s from %s: %s\n", target, source, verdict.sentence().c_str()), false;
      events += runner.log().count();
    }
    inputs += programs.size();
    seconds = processor_seconds() - begin;
  }
  const auto operations = static_cast<double>(runner.operations() - before), runs = static_cast<double>(inputs);
  std::printf("%-23s %-12s %10.0f %13.0f %17.1f %13.1f\n", target, source, runs / seconds, operations / seconds,
              operations / runs, static_cast<double>(events) / runs);
  return true;
}

int main(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && arguments[0] == "--help") return std::printf("%s", usage), 0;
  const bool timed = arguments.size() == 3 && arguments[1] == "--seconds";
  if (arguments.size() != 1 && !timed) return std::fprintf(stderr, "%s", usage), 2;
  const double seconds = timed ? std::stod(arguments[2]) : 2;
  Runner runner;
  std::vector<Bytes> of_all_rows;
  std::printf("%-23s %-12s %10s %13s %17s %13s\n", "", "", "inputs/s", "operations/s", "operations/input",
              "events/input");
  for (const Row& row : rows) {
    const std::filesystem::path folder = std::filesystem::path{arguments[0]} / row.target;
    const std::vector<Bytes> corpus = from_corpus(folder);
    if (corpus.empty()) return std::fprintf(stderr, "harness_speed: no programs in %s\n", folder.c_str()), 2;
    const std::vector<Bytes> mutated = from_mutator(row.row);
    of_all_rows.insert(of_all_rows.end(), mutated.begin(), mutated.end());
    if (!measure(runner, row.target, "mutator", mutated, seconds)) return 1;
    if (!measure(runner, row.target, "corpus", corpus, seconds)) return 1;
    if (!measure(runner, row.target, "random bytes", from_random_bytes(row.row, corpus.size()), seconds)) return 1;
  }
  return measure(runner, "all three", "mutator", of_all_rows, seconds) ? 0 : 1;
}

}  // namespace
}  // namespace slabproof

int main(int argc, char** argv) { return slabproof::main({argv + 1, argv + argc}); }
