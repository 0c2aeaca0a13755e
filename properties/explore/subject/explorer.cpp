#include "properties/explore/subject/explorer.hpp"

#include <chrono>
#include <cstdio>

#include "model/process/cannot_judge.hpp"
#include "model/process/child.hpp"
#include "model/process/isolated.hpp"
#include "model/process/sanitizer_hooks.hpp"
#include "model/process/shared_memory.hpp"

namespace slabproof {
namespace {

constexpr std::size_t most_operations_expected = 1000;

const char* words_of(SeenElsewhere how) {
  switch (how) {
    case SeenElsewhere::ObjectOutside:
      return "an object lies outside of the subject, of the memory that it took and of the globals that it names, "
             "after this program";
    case SeenElsewhere::NotTheSame:
      return "a program did not do the same, or did not leave the same bytes, when it ran again in the same process, "
             "the one that begins like this";
    case SeenElsewhere::GoesOnOtherwise:
      return "two programs left the same bytes and then went on differently, of which this is one";
  }
  return "";
}

/// One search; whether it ended by itself, with an outcome.
bool search(SubjectWorld& world, GrowingArray<Step>& steps, SubjectReport& report, Comparing comparing,
            MinimizeProgress& progress) {
  const auto body = [&] {
    report_briefly(true);  // a death is reported by its program
    SubjectSearch{world, steps, report, comparing}.run();
    report.finished = true;
    return 0;
  };
  const auto tell = [&] {
    char words[160];
    std::snprintf(words, sizeof words, "%.0f s, %ju states, %ju transitions, programs of %u operations",
                  progress.seconds(), std::uintmax_t{report.counts.states}, std::uintmax_t{report.counts.transitions},
                  report.counts.longest + 1);
    if (!progress.go_on(words)) report.stop = true;
  };
  const volatile SubjectCounts& counts = report.counts;
  Child child{body};
  const ChildEnd end = child.wait({.count = [&] { return counts.transitions + counts.compared + counts.states; },
                                   .processor_seconds = patience(most_operations_expected),
                                   .meanwhile = tell});
  if (const std::string why = end.why_it_tells_nothing(child.report()); !why.empty()) cannot_judge(why);
  return report.finished && !end.hung();
}

/// Judges what failed in the search in a process of its own, with contents by ordinal as every other tool has them.
Verdict verdict_of(SubjectWorld& world, const Program& program, Contents contents) {
  world.runner().set_contents(contents);
  return run_isolated(world.runner(), program).verdict;
}

}  // namespace

SubjectExploration explore(const TestedSubject& subject, const SubjectBounds& bounds, std::size_t limit,
                           MinimizeProgress& progress) {
  const auto began = std::chrono::steady_clock::now();
  const SharedMemory<SubjectReport> report;
  GrowingArray<Step> steps{limit, GrowingArray<Step>::Sharing::Private};
  SubjectWorld world{subject, bounds, report->taken};
  if (subject.room.object + world.size_of_globals() > Arena::slab_region)
    cannot_judge("it and the globals that it names are larger than 4 MiB, which is no state of a small world");
  bool has_ended = search(world, steps, *report, Comparing::Yes, progress);
  SubjectExploration result;
  if (!has_ended && report->is_comparing) {  // in a longer program than the search is at
    report->counts = {};
    report->outcome = SubjectOutcome::Complete;
    report->is_comparing = false;
    has_ended = search(world, steps, *report, Comparing::No, progress);
  }
  result.counts = report->counts;
  result.counts.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  result.outcome = has_ended ? report->outcome : SubjectOutcome::Failed;
  const auto taken = report->taken.all();
  result.program = {world.setup(), {taken.begin(), taken.end()}};
  if (result.outcome == SubjectOutcome::Elsewhere) result.why = words_of(report->elsewhere);
  if (result.outcome != SubjectOutcome::Failed) return result;
  result.verdict = verdict_of(world, result.program, Contents::ByOrdinal);
  if (!result.verdict.agreed() || !verdict_of(world, result.program, Contents::ByAddress).agreed()) return result;
  result.outcome = SubjectOutcome::Elsewhere;
  result.why = "a program failed after others in the same process, and does not in a process of its own, this one";
  return result;
}

}  // namespace slabproof
