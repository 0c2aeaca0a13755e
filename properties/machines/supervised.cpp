#include "properties/machines/supervised.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>
#include <sstream>

#include <rapidcheck.h>
#include <rapidcheck/state.h>

#include "model/process/cannot_judge.hpp"
#include "model/process/child.hpp"
#include "model/process/isolated.hpp"
#include "model/process/minimizer.hpp"
#include "model/process/shared_memory.hpp"
#include "model/program/trace.hpp"
#include "properties/machines/commands.hpp"
#include "properties/machines/environment.hpp"
#include "properties/saved_program.hpp"

namespace slabproof {
namespace {

constexpr std::uint64_t candidates_in_process = 5000, candidates_isolated = 600;
constexpr std::uint64_t never = ~std::uint64_t{0};
using Clock = std::chrono::steady_clock;
// A candidate that hangs takes seconds, so candidates have a time limit too.
constexpr unsigned hung_after_seconds = 20, shrink_seconds = 60;
constexpr std::chrono::seconds tidy_seconds{30};
/// Of so many programs for a pool or a heap one is so much longer: some defects need hundreds of live objects.
constexpr int one_is_long = 24;
constexpr double longer = 12;
// For candidates, of which only the verdict counts.
const IsolationOptions brief{.timeout_seconds = 3, .brief = true, .after_step = {}};

/// What the child that runs the property tells its parent.
struct Shared {
  std::uint64_t programs, operations, to_find;
  std::uint64_t heartbeat;  // increases with every program that is run
  std::uint32_t shrunk_to;
  bool finished, passed;
  char signature[256];
  char report[1 << 18];
};

class Machine {
 public:
  Machine(std::string id, const MachineOptions& options, Shared& shared, std::uint64_t isolate_from)
      : id_{std::move(id)},
        options_{options},
        shared_{shared},
        isolate_from_{isolate_from},
        runner_{options.make, Arena::default_base, tested_subject().language, tested_subject().room} {}

  void check(rc::detail::TestParams params) {
    params.maxSuccess = static_cast<int>(options_.programs);
    const rc::detail::TestMetadata metadata{id_, id_};
    struct Quiet : rc::detail::TestListener {
      void onTestCaseFinished(const rc::detail::CaseDescription&) override {}
      void onShrinkTried(const rc::detail::CaseDescription&, bool) override {}
      void onTestFinished(const rc::detail::TestMetadata&, const rc::detail::TestResult&) override {}
    } quiet;
    const rc::detail::TestResult result = rc::detail::checkProperty(
        rc::detail::toProperty([this] { run_one(); }), metadata, params, quiet, rc::detail::configuration().reproduce);
    shared_.operations = runner_.operations();
    shared_.passed = result.is<rc::detail::SuccessResult>();
    if (!shared_.passed) put(shared_.report, report(&result));
    shared_.finished = true;
  }

 private:
  template <std::size_t Size>
  static void put(char (&field)[Size], const std::string& text) {
    std::snprintf(field, Size, "%s", text.c_str());
  }

  /// The property: one generated program agrees.
  void run_one() {
    const Language& language = runner_.language();
    const Setup setup = *(language.shape == Shape::SlabCache ? setups(options_.kind) : setups(language));
    const auto mood = static_cast<Mood>(*rc::gen::inRange(0, 3));
    const auto generated = rc::state::gen::commands(
        SymbolicState{setup},
        [mood, &language](const SymbolicState& state) { return commands_for(state, mood, language); });
    // Of a range RapidCheck takes the upper part only when it is at its largest size, and shrinks to 0.
    const bool is_long = language.shape != Shape::SlabCache && *rc::gen::inRange(0, one_is_long) == 1;
    const Commands commands = *rc::gen::scale(is_long ? longer : 1, generated);
    if (counterexample_ && (candidates_++ >= (isolating() ? candidates_isolated : candidates_in_process) ||
                            Clock::now() > shrink_until_)) {
      // Of a long program RapidCheck would make many more candidates, for minutes, though none of them is run.
      if (language.shape != Shape::SlabCache) conclude();
      return;
    }
    Program program{setup, {}};
    for (const auto& command : commands)
      program.operations.push_back(static_cast<const OperationCommand&>(*command).operation());
    const bool isolate = isolating();
    ++shared_.programs;
    const Verdict verdict = isolate ? isolated(program) : run_here(setup, commands);
    if (verdict.agreed()) return;
    if (!counterexample_) {
      shared_.to_find = shared_.programs;
      failure_ = failure(verdict);
      shrink_until_ = Clock::now() + std::chrono::seconds{shrink_seconds};
    }
    if (failure(verdict) != failure_) return;  // another defect: one at a time
    counterexample_ = std::move(program);
    RC_FAIL(verdict.sentence());
  }

  /// Whatever must stay the same while a counterexample shrinks.
  static std::string failure(const Verdict& verdict) {
    switch (verdict.kind) {
      case Verdict::Kind::Agreed: break;
      case Verdict::Kind::Violated: return to_string(verdict.violation.invariant);
      case Verdict::Kind::Died: return "died";
      case Verdict::Kind::Hung: return "hung";
    }
    return "none";
  }

  [[nodiscard]] bool isolating() const { return shared_.programs >= isolate_from_; }

  Verdict isolated(const Program& program) {
    ++shared_.heartbeat;
    return run_isolated(runner_, program, brief).verdict;
  }

  Verdict run_here(const Setup& setup, const Commands& commands) {
    ++shared_.heartbeat;
    if (runner_.start(setup)) rc::state::runAll(commands, SymbolicState{setup}, runner_);
    if (runner_.verdict().agreed()) runner_.finish();
    return runner_.verdict();
  }

  /// Ends the process with the counterexample that there is.
  [[noreturn]] void conclude() {
    shared_.operations = runner_.operations();
    put(shared_.report, report(nullptr));
    shared_.finished = true;
    std::fflush(nullptr);
    _exit(0);
  }

  /// `result` is null where RapidCheck was not let come to its own.
  std::string report(const rc::detail::TestResult* result) {
    std::ostringstream text;
    if (!counterexample_) {  // gave up, or a bad RC_PARAMS
      rc::detail::printResultMessage(*result, text);
      return text.str();
    }
    // Deaths soon use up RapidCheck's budget, and it cannot shrink setups and operands. Who asks for noshrink wants to
    // know soon.
    const bool is_small_wanted = !rc::detail::configuration().testParams.disableShrinking;
    const auto [program, verdict, ignored_report, tried, finished] =
        minimize(runner_, *counterexample_,
                 {.budget = is_small_wanted ? tidy_seconds : std::chrono::seconds{0},
                  .go_on = [this](const Program&, std::uint64_t) { return ++shared_.heartbeat != 0; }});
    shared_.shrunk_to = static_cast<std::uint32_t>(program.operations.size());
    put(shared_.signature, verdict.signature());
    text << to_text(program) << "verdict: " << verdict.sentence() << "\n"
         << verdict.explanation() << "signature: " << verdict.signature() << "\n";
    const SavedProgram saved = save_program(program, options_.crash_folder, "property");
    if (saved.file.empty())
      text << "not saved: " << saved.why_not << "\n";
    else
      text << "saved: " << saved.file
           << "\nreplay with: " << (judges_slab_cache() ? "ci/replay " : "its _replay program, ") << saved.file << "\n";
    text << "run the property again with: " << again() << "\n";
    if (result && result->is<rc::detail::FailureResult>()) {
      rc::detail::Configuration configuration;
      configuration.reproduce[id_] = result->get<rc::detail::FailureResult>().reproduce;
      text << "run it from this program on with: RC_PARAMS=\"" << rc::detail::configToMinimalString(configuration)
           << "\"\n";
    }
    return text.str();
  }

  /// The command that generates the same programs: the seed, and their number, on which their sizes depend.
  [[nodiscard]] std::string again() const {
    const std::string seed = std::to_string(rc::detail::configuration().testParams.seed),
                      deeply = deep() > 1 ? "SLABPROOF_DEEP=" + std::to_string(deep()) + " " : "";
    if (!judges_slab_cache()) return deeply + "RC_PARAMS=seed=" + seed + " " + program_invocation_name;
    std::string name = id_;
    name.replace(name.find('/'), 1, ".");
    return deeply + "ci/test --only '" + name + "' --seed " + seed;
  }
  [[nodiscard]] bool judges_slab_cache() const { return runner_.language().shape == Shape::SlabCache; }

  std::string id_;
  const MachineOptions& options_;
  Shared& shared_;
  std::uint64_t isolate_from_;
  Runner runner_;
  std::optional<Program> counterexample_;
  std::string failure_;  // of the counterexample
  std::uint64_t candidates_ = 0;
  Clock::time_point shrink_until_;
};

/// How far a property is, in a line.
void tell(const std::string& id, std::uint64_t all, const volatile Shared& shared, Clock::duration time) {
  const auto seconds = static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
  if (shared.to_find > 0)
    std::printf("%s: program %ju fails, making it small: %ju tried, %lld s\n", id.c_str(),
                std::uintmax_t{shared.to_find}, std::uintmax_t{shared.heartbeat - shared.to_find}, seconds);
  else
    std::printf("%s: %ju of %ju programs, %lld s\n", id.c_str(), std::uintmax_t{shared.programs}, std::uintmax_t{all},
                seconds);
  std::fflush(stdout);
}

/// Runs the property in a child; false if the child died or hung.
bool check_in_child(const std::string& id, const MachineOptions& options, Shared& shared,
                    const rc::detail::TestParams& params, std::uint64_t isolate_from) {
  const auto begin = Clock::now();
  auto told = begin;
  const auto tell_now_and_then = [&] {
    if (options.progress.count() == 0 || Clock::now() - told < options.progress) return;
    told = Clock::now();
    tell(id, options.programs, shared, told - begin);
  };
  Child child{[&] { return Machine{id, options, shared, isolate_from}.check(params), 0; },
              {.errors = ChildOptions::Errors::Shown}};
  // A program hangs when no further program begins.
  const ChildEnd end = child.wait({.count = [&] { return const_cast<const volatile std::uint64_t&>(shared.heartbeat); },
                                   .processor_seconds = hung_after_seconds,
                                   .meanwhile = tell_now_and_then});
  if (end.hung()) return false;
  if (const std::string why = end.why_it_tells_nothing(); !why.empty()) cannot_judge(why);
  return shared.finished;
}

}  // namespace

MachineResult check_machine(const std::string& id, const MachineOptions& options) {
  const SharedMemory<Shared> memory;
  Shared& shared = *memory;
  const rc::detail::TestParams params = rc::detail::configuration().testParams;
  if (!check_in_child(id, options, shared, params, never)) {
    const std::uint64_t died_at = shared.programs;
    shared = {};
    if (!check_in_child(id, options, shared, params, died_at - 1))
      std::snprintf(shared.report, sizeof shared.report, "the property died outside the programs that it runs");
  }
  MachineResult result{shared.passed,    shared.programs, shared.operations, shared.report,
                       shared.signature, shared.to_find,  shared.shrunk_to,  params.seed};
  return result;
}

}  // namespace slabproof
