#include "fuzz/replay/replay_chain.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <utility>

#include "fuzz/chain/chain_minimizer.hpp"
#include "fuzz/replay/minimize_file.hpp"
#include "model/judge/geometry_oracle.hpp"
#include "model/process/minimize_progress.hpp"
#include "model/program/codec.hpp"
#include "model/program/decoder.hpp"
#include "model/program/trace.hpp"
#include "model/subject/tested_subject.hpp"

namespace slabproof {
namespace {

constexpr std::size_t shown_inputs = 8;  // of a chain

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string counted(std::uint64_t number, const char* one) {
  return grouped(number) + " " + one + (number == 1 ? "" : "s");
}

std::span<const std::uint8_t> as_bytes(std::string_view bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

std::string text_of(InputKind kind, std::string_view bytes) {
  switch (kind) {
    case InputKind::Program: return to_text(decode(as_bytes(bytes), tested_subject().language));
    case InputKind::Geometry: return to_text(decode_geometry(as_bytes(bytes))) + "\n";
    case InputKind::Text: return std::string{bytes} + "\n";
  }
  return "";
}

void print_inputs(const Chain& chain) {
  std::printf("chain: %s, %zu of them different\n", counted(chain.count(), "input").c_str(), chain.inputs.size());
  if (chain.inputs.size() > shown_inputs) return;
  for (std::size_t i = 0; i < chain.inputs.size(); ++i)
    std::printf("input %zu, run %s:\n%s", i + 1, counted(chain.inputs[i].times, "time").c_str(),
                text_of(chain.kind, chain.inputs[i].bytes).c_str());
}

/// Which of the inputs failed, and its contents.
void print_place(const ChainVerdict& verdict, std::uint64_t count) {
  const std::uint64_t before = verdict.run.before;
  if (!verdict.failed())
    std::printf("chain: %s, all pass\n", counted(count, "input").c_str());
  else if (verdict.alone)
    std::printf("chain: input %s of %s fails, and does so alone\n", grouped(before + 1).c_str(),
                grouped(count).c_str());
  else
    std::printf("chain: input %s of %s fails; alone it passes: what fails is outside of its cache\n",
                grouped(before + 1).c_str(), grouped(count).c_str());
}

}  // namespace

bool ChainFile::is_one(const std::string& file) {
  struct stat status{};
  if (stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;  // reading a pipe consumes it
  char beginning[32];
  std::ifstream in{file, std::ios::binary};
  in.read(beginning, sizeof beginning);
  return is_chain({beginning, static_cast<std::size_t>(in.gcount())});
}

std::optional<ChainFile> ChainFile::open(const std::string& file) {
  if (!is_one(file)) return std::nullopt;
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status{};
  ChainFile result;
  if (descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
    result.size_ = static_cast<std::size_t>(status.st_size);
    void* const memory = mmap(nullptr, result.size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (memory != MAP_FAILED) result.memory_ = memory;
  }
  if (descriptor >= 0) close(descriptor);
  const std::string_view content{static_cast<const char*>(result.memory_), result.memory_ ? result.size_ : 0};
  if (!is_chain(content)) return std::nullopt;
  result.chain_ = parse_chain(content, result.why_);
  return result;
}

ChainFile::ChainFile(ChainFile&& other) noexcept
    : memory_{std::exchange(other.memory_, nullptr)},
      size_{other.size_},
      chain_{std::move(other.chain_)},
      why_{std::move(other.why_)} {}

ChainFile::~ChainFile() {
  if (memory_) munmap(memory_, size_);
}

int replay_chain(Runner& runner, const Chain& chain, const IsolationOptions& options) {
  const bool quiet = !options.after_step;
  if (!quiet) print_inputs(chain);
  const ChainVerdict verdict = judge_chain(runner, chain, options);
  const IsolatedRun& run = verdict.run.run;
  if (!quiet && verdict.failed()) {
    const std::string_view bytes = chain.inputs[verdict.run.input].bytes;
    if (chain.kind != InputKind::Program) std::printf("%s", text_of(chain.kind, bytes).c_str());
    if (chain.kind == InputKind::Program && run.verdict.kind != Verdict::Kind::Violated) {
      const Program program = decode(as_bytes(bytes), tested_subject().language);
      if (run.verdict.step < program.operations.size())
        std::printf("%6u  %s   <- here\n", run.verdict.step, to_text(program.operations[run.verdict.step]).c_str());
    }
    std::printf("%s", run.report.c_str());
  }
  print_place(verdict, chain.count());
  std::printf("verdict: %s\n%s", run.verdict.sentence().c_str(), run.verdict.explanation().c_str());
  if (!verdict.failed()) return 0;
  std::printf("signature: %s\n", verdict.signature.c_str());
  return 1;
}

int minimize_chain_file(Runner& runner, const std::string& file, const Chain& chain, const MinimizeOptions& options) {
  const bool json = options.answer == MinimizeOptions::Answer::Json;
  MinimizedChain result;
  double seconds = 0;
  {
    MinimizeProgress progress{"chains", "inputs", chain.count()};
    result = minimize_chain(runner, chain,
                            {.budget = options.budget, .go_on = [&](std::uint64_t inputs, std::uint64_t tried) {
                               return progress.go_on(inputs, tried);
                             }});
    seconds = progress.seconds();
  }
  if (!result.verdict.failed())
    return json ? std::printf("%s\n", to_json(file, nullptr).c_str())
                : std::printf("%s does not fail: there is nothing to minimize\n", file.c_str()),
           0;
  const std::string small = options.output.empty() ? file + ".min" : options.output;
  if (!write_file(small, result.bytes.data(), result.bytes.size())) return 2;
  std::string why;
  const auto left = result.verdict.alone ? std::nullopt : parse_chain(result.bytes, why);
  if (json) {
    const Effort effort{.before = chain.count(),
                        .after = left ? left->count() : 1,
                        .tried = result.tried,
                        .seconds = seconds,
                        .finished = result.finished};
    return std::printf("%s\n", to_json(file, &effort).c_str()), 1;
  }
  if (left)
    print_inputs(*left);
  else
    std::printf("%s", text_of(chain.kind, result.bytes).c_str());
  const std::string what =
      left ? counted(left->count(), "input") + ", " + std::to_string(left->inputs.size()) + " of them different"
           : "1 input, which fails alone";
  std::printf("verdict: %s\nsignature: %s\nminimized: %s to %s, in %.1f s, %s tried%s\nwritten: %s%s\n",
              result.verdict.run.run.verdict.sentence().c_str(), result.verdict.signature.c_str(),
              counted(chain.count(), "input").c_str(), what.c_str(), seconds, counted(result.tried, "chain").c_str(),
              result.finished ? "" : "; stopped before nothing smaller was left to try", small.c_str(),
              left ? "" : ", which --minimize makes smaller");
  return 1;
}

}  // namespace slabproof
