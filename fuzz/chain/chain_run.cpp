#include "fuzz/chain/chain_run.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "model/judge/geometry_oracle.hpp"
#include "model/judge/trace_oracle.hpp"
#include "model/process/cannot_judge.hpp"
#include "model/process/watchdog.hpp"
#include "model/program/codec.hpp"

namespace slabproof {
namespace {

constexpr std::uint64_t clock_period = 16;  // inputs; some take a microsecond

using Clock = std::chrono::steady_clock;

/// The child's progress.
struct Shared {
  volatile std::size_t input = 0;
  volatile std::uint32_t time = 0;
  volatile std::uint64_t before = 0;
};

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

Verdict verdict_of(const std::optional<Violation>& violation, StepKind what) {
  Verdict verdict;
  verdict.operation = what;
  if (!violation) return verdict;
  verdict.kind = Verdict::Kind::Violated;
  verdict.violation = *violation;
  return verdict;
}

Verdict run_input(Runner& runner, InputKind kind, std::string_view bytes) {
  const std::span data{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  switch (kind) {
    case InputKind::Program: break;
    case InputKind::Geometry: return verdict_of(judge_geometry(decode_geometry(data)), StepKind::Phase::Geometry);
    case InputKind::Text: return verdict_of(judge_trace(bytes), StepKind::Phase::Parse);
  }
  return runner.run(data);
}

Verdict run_closely(Runner& runner, InputKind kind, std::string_view bytes, const IsolationOptions& options) {
  if (kind != InputKind::Program) return run_input(runner, kind, bytes);
  const std::span data{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  runner.set_checks(Checks::EveryStep);  // only in the last run of the process
  return run_steps(runner, decode(data, runner.language()), options);
}

}  // namespace

ChainRun run_chain(Runner& runner, const Chain& chain, const ChainOptions& wanted) {
  ChainOptions options = wanted;
  constexpr double patience_of_any = 25;  // seconds, for as many inputs as run between two looks at the clock
  if (options.isolation.timeout_seconds <= 0) options.isolation.timeout_seconds = patience_of_any;
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) cannot_judge(std::strerror(errno));
  auto& shared = *new (memory) Shared{};
  const Clock::time_point begin = Clock::now();
  ChainRun result;
  result.run = run_isolated(
      [&](StepMark& mark) {
        runner.set_mark(&mark);
        std::uint64_t before = 0;
        Verdict verdict;
        for (std::size_t i = 0; i < chain.inputs.size(); ++i) {
          const Chain::Input& input = chain.inputs[i];
          shared.input = i;
          for (std::uint32_t time = 0; time < input.times; ++time, ++before) {
            shared.before = before;
            shared.time = time;
            if (before % clock_period == 0) {
              if (since(begin) > options.seconds) return verdict;
              watch(options.isolation.timeout_seconds);
            }
            const bool last = i + 1 == chain.inputs.size() && time + 1 == input.times;
            verdict = last && options.closely ? run_closely(runner, chain.kind, input.bytes, options.isolation)
                                              : run_input(runner, chain.kind, input.bytes);
            if (!verdict.agreed()) return verdict;
          }
        }
        return verdict;
      },
      options.isolation);
  result.input = shared.input;
  result.time = shared.time;
  result.before = shared.before;
  result.seconds = since(begin);
  munmap(memory, sizeof(Shared));
  if (chain.kind != InputKind::Program)
    result.run.verdict.operation = chain.kind == InputKind::Text ? StepKind::Phase::Parse : StepKind::Phase::Geometry;
  return result;
}

Chain cut(const Chain& chain, const ChainRun& run) {
  Chain result{chain.kind, {chain.inputs.begin(), chain.inputs.begin() + static_cast<std::ptrdiff_t>(run.input) + 1}};
  result.inputs.back().times = run.time + 1;
  return result;
}

ChainVerdict judge_chain(Runner& runner, const Chain& chain, const IsolationOptions& options) {
  ChainVerdict result{
      .run = run_chain(runner, chain, {.closely = true, .isolation = options}), .alone = false, .signature = ""};
  // Closer checks must not be the reason why it passes.
  if (!result.failed()) result.run = run_chain(runner, chain, {.isolation = options});
  if (!result.failed()) return result;
  if (const Chain failing = cut(chain, result.run); failing.count() < chain.count())
    if (const ChainRun closely = run_chain(runner, failing, {.closely = true, .isolation = options}); closely.failed())
      result.run = closely;
  IsolationOptions brief = options;
  brief.brief = true;
  brief.after_step = {};
  const Chain single{chain.kind, {{1, chain.inputs[result.run.input].bytes}}};
  result.alone = result.run.before == 0 || run_chain(runner, single, {.closely = true, .isolation = brief}).failed();
  result.signature = result.alone ? result.run.run.verdict.signature() : signature_after_others;
  return result;
}

}  // namespace slabproof
