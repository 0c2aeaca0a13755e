#include "properties/explore/explorer.hpp"

#include <algorithm>
#include <chrono>

#include "model/process/cannot_judge.hpp"
#include "model/process/child.hpp"
#include "model/process/sanitizer_hooks.hpp"
#include "model/process/shared_memory.hpp"
#include "properties/explore/explanation.hpp"
#include "properties/explore/search.hpp"

namespace slabproof {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double hung_after_seconds = 10;

/// The result of the child that searches.
Verdict verdict_of(const SearchReport& report, const ChildEnd& end, const std::string& errors) {
  Verdict verdict;
  if (const std::string why = end.why_it_tells_nothing(errors); !why.empty()) cannot_judge(why);
  if (end.hung()) {
    verdict.kind = Verdict::Kind::Hung;
  } else if (!report.finished) {
    verdict.kind = Verdict::Kind::Died;
    verdict.death_by = DeathBy::SignalOrExit;
    verdict.death = end.text();
  } else if (report.outcome == Exploration::Outcome::Defect) {
    verdict.kind = Verdict::Kind::Violated;
    verdict.violation = report.violation.get();
  }
  return verdict;
}

Exploration explore(const ExploreOptions& options, ProgramEnds program_ends) {
  const SharedMemory<SearchReport> report;
  const std::size_t most = std::min<std::size_t>(options.memory / (sizeof(Hash128) + sizeof(Step)), nowhere - 1);
  GrowingArray<Step> steps{most, GrowingArray<Step>::Sharing::Shared};
  World world{options.setup, options.slabs, options.scrub, options.make};
  const auto begin = Clock::now();
  const auto search = [&] {
    report_briefly(true);  // a death is reported by its program
    Search{options, world, steps, *report, program_ends}.run();
    report->finished = true;
    return 0;
  };
  const volatile ExploreCounts& counts = report->counts;
  Child child{search};
  const auto count = [&] { return counts.transitions + counts.pointers + counts.mishaps + report->is_alive; };
  const ChildEnd end = child.wait({.count = count, .processor_seconds = hung_after_seconds});
  Exploration exploration;
  exploration.found = verdict_of(*report, end, child.report());
  exploration.counts = report->counts;
  exploration.counts.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  exploration.outcome = exploration.found.agreed() ? report->outcome : Exploration::Outcome::Defect;
  if (exploration.outcome == Exploration::Outcome::Defect) explain(exploration, world, steps, *report);
  return exploration;
}

}  // namespace

Exploration explore(const ExploreOptions& options) {
  const Exploration exploration = explore(options, ProgramEnds::LeftOut);
  if (exploration.outcome != Exploration::Outcome::Defect || !exploration.state.empty()) return exploration;
  // The end of a program is not tried until there is a defect to find.
  Exploration again = explore(options, ProgramEnds::Tried);
  again.counts.seconds += exploration.counts.seconds;
  return again.outcome == Exploration::Outcome::Defect && !again.verdict.agreed() ? again : exploration;
}

}  // namespace slabproof
