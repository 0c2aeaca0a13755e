#include "fuzz/replay/batch.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "fuzz/replay/input.hpp"
#include "fuzz/replay/json.hpp"
#include "fuzz/replay/outcome.hpp"
#include "fuzz/replay/replay_chain.hpp"
#include "model/judge/geometry_oracle.hpp"
#include "model/judge/trace_oracle.hpp"
#include "model/process/cannot_judge.hpp"
#include "model/process/pass.hpp"
#include "model/process/watchdog.hpp"

namespace slabproof {
namespace {

// For the inputs after a first hang.
constexpr double less_patience = 0.25;

/// The answer about a file.
struct Answer {
  const std::string& file;
  Verdict verdict;
  const char* input = nullptr;                // its kind; null when it cannot be read
  std::optional<std::uint64_t> operations{};  // of a program
  const char* alone = nullptr;                // of a failure: the result of the file in a process of its own
  std::string unreadable{};                   // why
  // Of a chain: how many inputs it runs, and which of them fails, from 1.
  std::optional<std::uint64_t> inputs{}, failing_input{};
  std::string geometry{};  // as text, of one that fails

  [[nodiscard]] std::string signature() const {
    // Such a failure involves other files of the pass, or the inputs before it in a chain.
    return alone && std::string_view{alone} == "agreed" ? signature_after_others : verdict.signature();
  }
};

std::string to_json(const Answer& answer) {
  const Verdict& verdict = answer.verdict;
  const bool readable = answer.unreadable.empty(), failed = readable && !verdict.agreed();
  const bool violated = failed && verdict.kind == Verdict::Kind::Violated;
  JsonObject json;
  json.add("file", answer.file);
  json.add_if_any("input", answer.input ? answer.input : "");
  json.add("outcome", readable ? outcome_of(verdict.kind) : "unreadable");
  json.add_if_any("signature", failed ? answer.signature() : "");
  json.add("sentence", readable ? verdict.sentence() : answer.unreadable);
  failed ? json.add("step", std::uint64_t{verdict.step}) : json.add_null("step");
  json.add_if_any("operation", failed ? to_string(verdict.operation) : "");
  json.add_if_any("invariant", failed ? to_string(violated ? verdict.violation.invariant : verdict.due_invariant) : "");
  json.add_if_any("expected", violated ? verdict.violation.expected : failed ? verdict.due : "");
  json.add_if_any("observed", violated ? verdict.violation.observed : "");
  json.add_if_any("death", failed ? verdict.death : "");
  json.add_if_any("frame", failed ? verdict.frame : "");
  json.add("frames", verdict.frames);
  answer.operations ? json.add("operations", *answer.operations) : json.add_null("operations");
  json.add_if_any("alone", answer.alone ? answer.alone : "");
  answer.inputs ? json.add("inputs", *answer.inputs) : json.add_null("inputs");
  answer.failing_input ? json.add("failing_input", *answer.failing_input) : json.add_null("failing_input");
  json.add_if_any("geometry", answer.geometry);
  return json.text();
}

class Batch {
 public:
  Batch(Runner& runner, const std::vector<std::string>& files) : runner_{runner}, files_{files} {}

  int run() {
    run_pass(
        files_.size(),
        [this](std::size_t i, StepMark& mark, std::uint64_t& note) { return judge(files_[i], mark, note); },
        [this](const Passed& passed) { return say(passed), true; });
    return worst_;
  }

 private:
  /// In the child. The note is the kind of the input and the number of its operations.
  Verdict judge(const std::string& file, StepMark& mark, std::uint64_t& note) {
    std::string why;
    const bool is_chain = ChainFile::is_one(file);  // which needs a process of its own
    const auto input = is_chain ? std::nullopt : read_input(file, why);
    Verdict verdict;
    if (!input) {
      verdict.kind = Verdict::Kind::Violated;  // without a violation: the parent finds the reason itself
      return verdict;
    }
    note = input->program.operations.size() << 8 | static_cast<std::uint64_t>(input->kind);
    watch(patience(input->program.operations.size()) * patience_);
    if (input->kind == Input::Kind::Program) {
      runner_.set_mark(&mark);
      runner_.set_checks(Checks::EveryStep);
      return runner_.run(input->program);
    }
    const bool is_text = input->kind == Input::Kind::Text;
    verdict.operation = is_text ? StepKind::Phase::Parse : StepKind::Phase::Geometry;
    mark.set_step(0, verdict.operation);
    mark.set(is_text ? Expectation{} : answer_in_constant_time);
    if (const auto violation = is_text ? judge_trace(input->text) : judge_geometry(input->geometry)) {
      verdict.kind = Verdict::Kind::Violated;
      verdict.violation = *violation;
    }
    return verdict;
  }

  void say(const Passed& passed) {
    Answer answer{.file = files_[passed.index], .verdict = passed.verdict};
    if (passed.verdict.agreed()) {
      answer.input = to_string(static_cast<Input::Kind>(passed.note & 0xFF));
      if (static_cast<Input::Kind>(passed.note & 0xFF) == Input::Kind::Program) answer.operations = passed.note >> 8;
    } else if (const auto file = ChainFile::open(answer.file)) {
      run_through(*file, answer);
    } else if (const auto input = read_input(answer.file, answer.unreadable)) {
      answer.input = to_string(input->kind);
      if (input->kind == Input::Kind::Program) answer.operations = input->program.operations.size();
      if (input->kind == Input::Kind::Geometry) answer.geometry = to_text(input->geometry);
      look_closer(*input, passed, answer);
      worst_ = std::max(worst_, 1);
    } else {
      worst_ = 2;
    }
    std::printf("%s\n", to_json(answer).c_str());
    flush_output();
  }

  void run_through(const ChainFile& file, Answer& answer) {
    answer.unreadable = file.why_not();
    worst_ = std::max(worst_, file.chain() ? 0 : 2);
    if (!file.chain()) return;
    const ChainVerdict verdict = judge_chain(runner_, *file.chain());
    answer.input = to_string(file.chain()->kind);
    answer.inputs = file.chain()->count();
    answer.verdict = verdict.run.run.verdict;
    if (!verdict.failed()) return;
    answer.alone = verdict.alone ? "failed" : "agreed";
    answer.failing_input = verdict.run.before + 1;
    worst_ = std::max(worst_, 1);
  }

  /// The verdict is that of the file alone, unless it fails only after others.
  void look_closer(const Input& input, const Passed& passed, Answer& answer) {
    using enum Verdict::Kind;
    answer.alone = "failed";
    // Nothing ran before it in its process, and waiting for it again would tell nothing new.
    if (passed.first == passed.index && passed.verdict.kind == Hung) return note_hang(passed.verdict);
    const bool hangs_again = passed.verdict.kind == Hung && hangs_.contains(passed.verdict.operation);
    note_hang(passed.verdict);
    const IsolationOptions brief{
        .timeout_seconds = patience(input.program.operations.size()) * (hangs_again ? less_patience : 1),
        .brief = true,
        .after_step = {}};
    const IsolatedRun alone = judge_isolated(runner_, input, brief);
    if (alone.verdict.agreed()) {
      answer.alone = "agreed";
      return;
    }
    answer.verdict = alone.verdict;
    if (alone.verdict.kind != Died || alone.stack == 0) return;
    // Finding the place in the source takes a second.
    const std::tuple place{alone.verdict.operation, alone.stack};
    auto known = deaths_.find(place);
    if (known == deaths_.end()) known = deaths_.emplace(place, judge_isolated(runner_, input).verdict).first;
    answer.verdict.death = known->second.death;
    answer.verdict.frame = known->second.frame;
    answer.verdict.frames = known->second.frames;
  }

  void note_hang(const Verdict& verdict) {
    if (verdict.kind != Verdict::Kind::Hung) return;
    hangs_.insert(verdict.operation);
    patience_ = less_patience;
  }

  Runner& runner_;
  const std::vector<std::string>& files_;
  int worst_ = 0;
  double patience_ = 1;
  std::set<StepKind> hangs_;  // by operation
  std::map<std::tuple<StepKind, std::uint64_t>, Verdict> deaths_;  // by operation and stack
};

}  // namespace

int print_json(Runner& runner, const std::vector<std::string>& files) { return Batch{runner, files}.run(); }

}  // namespace slabproof
