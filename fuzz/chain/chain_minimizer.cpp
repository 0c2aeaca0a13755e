#include "fuzz/chain/chain_minimizer.hpp"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "model/process/minimizer.hpp"
#include "model/program/codec.hpp"
#include "model/program/decoder.hpp"

namespace slabproof {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t any_times = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t few_inputs = 16;  // in longer chains programs are not made simpler
const IsolationOptions hasty{.timeout_seconds = 3, .brief = true, .after_step = {}};

std::string bytes_of(const Program& program) {
  const auto bytes = encode(program);
  return {bytes.begin(), bytes.end()};
}

class ChainMinimizer {
 public:
  ChainMinimizer(Runner& runner, const Chain& chain, const ChainMinimizerOptions& options)
      : runner_{runner},
        options_{options},
        given_{chain},
        smallest_{chain},
        deadline_{Clock::now() + std::chrono::duration_cast<Clock::duration>(options.budget)} {}

  MinimizedChain run() {
    const ChainVerdict original = judge_chain(runner_, given_);
    tried_ = 1;
    if (!original.failed()) return {to_bytes(given_), original};
    if (original.alone) return {std::string{given_.inputs[original.run.input].bytes}, original, tried_};
    smallest_ = cut(given_, original.run);
    seconds_ = original.run.seconds;
    repeat_last();
    drop_inputs();
    simplify_inputs();
    merge_equal_neighbours();
    out_of_time_ = out_of_time_ || Clock::now() > deadline_;  // may end in the last candidate, or in minimize()
    // Candidates were run with fewer checks; this run decides.
    const ChainVerdict last = judge_chain(runner_, smallest_);
    if (!last.failed() || last.alone) return {to_bytes(cut(given_, original.run)), original, tried_, false};
    return {to_bytes(cut(smallest_, last.run)), last, tried_, !out_of_time_};
  }

 private:
  /// The run of a candidate, if it fails and does so only after others.
  std::optional<ChainRun> try_chain(const Chain& candidate) {
    const double left = std::chrono::duration<double>(deadline_ - Clock::now()).count();
    out_of_time_ = out_of_time_ || left <= 0 || (options_.go_on && !options_.go_on(smallest_.inputs.size(), tried_));
    if (out_of_time_) return {};
    ++tried_;
    // A candidate that takes much longer than the smallest chain so far is no simpler.
    const ChainRun run =
        run_chain(runner_, candidate, {.isolation = hasty, .seconds = std::min(left, 3 * seconds_ + 0.5)});
    if (!run.failed() || run.before == 0) return {};
    const Chain single{candidate.kind, {{1, candidate.inputs[run.input].bytes}}};
    if (run_chain(runner_, single, {.isolation = hasty}).failed()) return {};
    return run;
  }

  bool take(const Chain& candidate) {
    const auto run = try_chain(candidate);
    if (!run) return false;
    smallest_ = cut(candidate, *run);
    seconds_ = run->seconds;
    return true;
  }

  void repeat_last() { take({smallest_.kind, {{any_times, smallest_.inputs.back().bytes}}}); }

  void drop_inputs() {
    for (std::size_t length = smallest_.inputs.size() / 2; length > 1; length /= 2) drop_runs(length);
    while (drop_runs(1)) {}
  }

  bool drop_runs(std::size_t length) {
    bool dropped = false;
    // The inputs before the last one, from the end.
    for (std::size_t end = smallest_.inputs.size() - 1; end > 0 && !out_of_time_;) {
      const std::size_t begin = end > length ? end - length : 0;
      Chain less = smallest_;
      less.inputs.erase(less.inputs.begin() + static_cast<std::ptrdiff_t>(begin),
                        less.inputs.begin() + static_cast<std::ptrdiff_t>(end));
      const bool taken = take(less);
      dropped |= taken;
      end = std::min(begin, smallest_.inputs.size() - 1);
    }
    return dropped;
  }

  /// Programs only: five numbers are simple enough, and nothing is known about texts.
  void simplify_inputs() {
    if (smallest_.kind != InputKind::Program || smallest_.inputs.size() > few_inputs) return;
    for (std::size_t i = smallest_.inputs.size(); i-- > 0 && !out_of_time_;)
      if (i < smallest_.inputs.size()) simplify_input(i);
  }

  /// With the minimizer of programs: a candidate fails if the chain with it in that place fails.
  void simplify_input(std::size_t index) {
    const bool repeated = smallest_.inputs.size() == 1;
    std::set<std::string> passed;
    MinimizerOptions options{.budget = deadline_ - Clock::now(), .run = {}, .go_on = {}};
    options.go_on = [&](const Program&, std::uint64_t) { return !out_of_time_; };
    options.run = [&](const Program& program, const IsolationOptions&) {
      IsolatedRun result;
      std::string bytes = bytes_of(program);
      if (passed.contains(bytes)) return result;
      Chain candidate = smallest_;
      candidate.inputs[index].bytes = bytes;
      if (repeated) candidate.inputs[index].times = any_times;
      const bool is_known = bytes == smallest_.inputs[index].bytes;
      const std::optional<ChainRun> run = is_known ? std::optional<ChainRun>{ChainRun{}} : try_chain(candidate);
      if (!run) return passed.insert(bytes), result;
      if (!is_known) {
        candidate.inputs[index].bytes = kept_.emplace_back(std::move(bytes));
        smallest_ = cut(candidate, *run);
        seconds_ = run->seconds;
      }
      // For the minimizer only the failure counts. No operation may be dropped silently, since each runs in every
      // repetition.
      result.verdict.kind = Verdict::Kind::Violated;
      result.verdict.step = std::numeric_limits<std::uint32_t>::max();
      return result;
    };
    const std::string bytes{smallest_.inputs[index].bytes};
    minimize(runner_, decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, runner_.language()),
             options);
  }

  void merge_equal_neighbours() {
    std::vector<Chain::Input> merged;
    for (const Chain::Input& input : smallest_.inputs)
      if (!merged.empty() && merged.back().bytes == input.bytes)
        merged.back().times += input.times;
      else
        merged.push_back(input);
    smallest_.inputs = std::move(merged);
  }

  Runner& runner_;
  const ChainMinimizerOptions& options_;
  const Chain& given_;
  Chain smallest_;
  std::deque<std::string> kept_;  // the programs that smaller chains point to
  double seconds_ = 0;  // that the smallest takes
  std::uint64_t tried_ = 0;
  Clock::time_point deadline_;
  bool out_of_time_ = false;
};

}  // namespace

MinimizedChain minimize_chain(Runner& runner, const Chain& chain, const ChainMinimizerOptions& options) {
  return ChainMinimizer{runner, chain, options}.run();
}

}  // namespace slabproof
