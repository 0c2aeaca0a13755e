#include "fuzz/replay/random.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>

#include "fuzz/chain/chain.hpp"
#include "fuzz/chain/chain_minimizer.hpp"
#include "fuzz/replay/joined.hpp"
#include "fuzz/replay/minimize_file.hpp"
#include "fuzz/replay/test_comment.hpp"
#include "model/judge/step_mark.hpp"
#include "model/process/isolated.hpp"
#include "model/process/minimize_progress.hpp"
#include "model/process/minimizer.hpp"
#include "model/process/pass.hpp"
#include "model/process/watchdog.hpp"
#include "model/program/byte_format.hpp"
#include "model/program/codec.hpp"
#include "model/program/random_bytes.hpp"
#include "model/program/trace.hpp"
#include "model/subject/tested_subject.hpp"

namespace slabproof {
namespace {

/// The first programs are short: most defects need few operations, and of a short program little has to be left out.
/// Later ones have some hundred records. In every third program, memory is refused at times.
Program random_program(const RandomOptions& options, std::size_t index, const Language& language) {
  const std::uint64_t seed = options.seed + index;
  SplitMix random{~seed};
  std::vector<std::uint8_t> bytes = random_bytes(
      seed, format::header_size + format::record_size * (4 + random.below(random.below(8) == 0 ? 400 : 60)));
  bytes[format::swarm_at] = bytes[format::swarm_at + 1] = 0;
  Program program = decode(bytes, language);
  if (seed % 3 != 0)
    std::erase_if(program.operations, [](const Operation& operation) { return operation.kind == OperationKind::Fail; });
  constexpr std::size_t shortest = 4, programs_for_one_more = 3;
  program.operations.resize(std::min(program.operations.size(), shortest + index / programs_for_one_more));
  return normalised(program);
}

struct Failure {
  std::uint64_t times = 0, first = 0;
  std::size_t index = 0, began = 0;  // of the shortest program, and of the first one that ran in its process
  Program shortest;
  Verdict verdict;  // of it, there
};

/// The command that replays a file, or the one that draws programs again: of the tool that the person typed, if it was
/// not this program, which then says in SLABPROOF_AGAIN how it replays {}.
std::string command_for(const std::string& file) {
  const char* const again = std::getenv("SLABPROOF_AGAIN");
  std::string command = again ? again : program_invocation_name + std::string{" {}"};
  if (const std::size_t at = command.find("{}"); at != command.npos) command.replace(at, 2, shell_word(file));
  return command;
}
std::string command_for(const RandomOptions& options, std::size_t programs) {
  const std::string rest =
      std::to_string(programs) + " --seed " + std::to_string(options.seed) + (options.goes_on ? " --go-on" : "");
  const char* const again = std::getenv("SLABPROOF_AGAIN");
  if (!again) return program_invocation_name + (" --random " + rest);
  constexpr std::string_view replay = "--replay {}";
  std::string command = again;
  if (const std::size_t at = command.find(replay); at != command.npos)
    command.replace(at, replay.size(), "--programs " + rest);
  return command;
}

class Search {
 public:
  Search(Runner& runner, const RandomOptions& options)
      : runner_{runner}, options_{options}, progress_{"programs", "failures", 0} {}

  int run() {
    run_pass(
        options_.programs,
        [this](std::size_t index, StepMark& mark, std::uint64_t& note) {
          const Program program = random_program(options_, index, runner_.language());
          note = program.operations.size();
          watch(patience(program.operations.size()));
          runner_.set_mark(&mark);
          return runner_.run(program);
        },
        [this](const Passed& passed) { return look_at(passed); },
        runner_.language().instances == 1 ? programs_on_globals : options_.programs);
    bool are_written = true;
    for (auto& [signature, failure] : failures_) are_written &= tell(signature, failure);
    const std::size_t kinds = failures_.size();
    std::printf("%ju programs, %ju operations, %.1f s: %s\n", std::uintmax_t{ran_}, std::uintmax_t{operations_},
                progress_.seconds(),
                kinds == 0   ? "nothing wrong"
                : kinds == 1 ? "1 kind of failure"
                             : (std::to_string(kinds) + " kinds of failure").c_str());
    return !are_written ? 2 : failures_.empty() ? 0 : 1;
  }

 private:
  bool look_at(const Passed& passed) {
    ++ran_;
    operations_ += passed.note;
    if (!passed.verdict.agreed()) {
      Program program = random_program(options_, passed.index, runner_.language());
      // Of a death the place in the source is not known yet.
      Failure& failure = failures_[passed.verdict.signature()];
      if (passed.verdict.step < program.operations.size()) program.operations.resize(passed.verdict.step + 1);
      if (failure.times++ == 0) failure.first = ran_;
      if (failure.times == 1 || program.operations.size() < failure.shortest.operations.size()) {
        failure.shortest = std::move(program);
        failure.index = passed.index;
        failure.began = passed.first;
        failure.verdict = passed.verdict;
      }
    }
    char words[96];
    std::snprintf(words, sizeof words, "%.0f s, %ju of %ju programs, %zu kinds of failure", progress_.seconds(),
                  std::uintmax_t{ran_}, std::uintmax_t{options_.programs}, failures_.size());
    return progress_.go_on(words) && failures_.size() < (options_.goes_on ? most_kinds : 1);
  }

  /// Makes it small. Where it fails only after what ran before it in its process, that belongs to it.
  Minimized make_small(Failure& failure) {
    Minimized alone = make_small(failure.shortest);
    if (!alone.verdict.agreed() || failure.began == failure.index || runner_.language().instances != 1) return alone;
    std::vector<Program> programs;
    for (std::size_t i = failure.began; i < failure.index; ++i)
      programs.push_back(random_program(options_, i, runner_.language()));
    programs.push_back(failure.shortest);
    const Program all = joined(programs);
    Minimized together = make_small(all);
    if (together.verdict.agreed()) return alone;
    failure.shortest = all;
    return together;
  }

  Minimized make_small(const Program& program) {
    const auto go_on = [&](const Program& smallest, std::uint64_t tried) {
      char words[128];
      std::snprintf(words, sizeof words, "%.0f s, minimizing: %ju programs tried, %zu of %zu operations left",
                    progress_.seconds(), std::uintmax_t{tried}, smallest.operations.size(), program.operations.size());
      return progress_.go_on(words);
    };
    return minimize(runner_, program,
                    {.budget = options_.budget,
                     .timeout_seconds = 1,
                     .final_timeout_seconds = patience(program.operations.size()),
                     .go_on = go_on});
  }

  bool tell(const std::string& signature, Failure& failure) {
    const Minimized result = make_small(failure);
    if (result.verdict.agreed()) return tell_of_process(signature, failure);
    const std::string text = to_text(result.program);
    std::printf("%sverdict: %s\n%ssignature: %s\n", text.c_str(), result.verdict.sentence().c_str(),
                result.verdict.explanation().c_str(), result.verdict.signature().c_str());
    if (options_.goes_on) std::printf("in %ju of %ju programs, ", std::uintmax_t{failure.times}, std::uintmax_t{ran_});
    std::printf("%sfound by program %ju; %zu operations made %zu%s\n", options_.goes_on ? "first " : "",
                std::uintmax_t{failure.first}, failure.shortest.operations.size(), result.program.operations.size(),
                result.finished ? "" : ", stopped before nothing smaller was left to try");
    const std::string file = file_of(result.verdict.signature(), ".trace");
    if (!write_file(file, text.data(), text.size())) return false;
    std::printf("written: %s\n\n", file.c_str());
    return true;
  }

  /// In the folder, which is made if need be.
  std::string file_of(std::string signature, const char* ending) const {
    for (char& c : signature)
      if (!std::isalnum(static_cast<unsigned char>(c))) c = '-';
    std::error_code error;
    std::filesystem::create_directories(options_.folder, error);
    return options_.folder + "/" + signature + ending;
  }

  /// Of what fails in no process of its own: all that is needed to run it again, and what of that is enough as a chain.
  bool tell_of_process(const std::string& signature, const Failure& failure) {
    std::vector<std::string> programs;
    for (std::size_t i = failure.began; i <= failure.index; ++i) {
      const std::vector<std::uint8_t> bytes = encode(random_program(options_, i, runner_.language()));
      programs.emplace_back(bytes.begin(), bytes.end());
    }
    Chain chain{InputKind::Program, {}};
    for (const std::string& program : programs) chain.inputs.push_back({1, program});
    const auto go_on = [&](std::uint64_t left, std::uint64_t tried) {
      char words[128];
      std::snprintf(words, sizeof words, "%.0f s, minimizing: %ju chains tried, %ju of %zu programs left",
                    progress_.seconds(), std::uintmax_t{tried}, std::uintmax_t{left}, programs.size());
      return progress_.go_on(words);
    };
    const MinimizedChain result = minimize_chain(runner_, chain, {.budget = options_.budget, .go_on = go_on});
    std::printf("%s: %ju of %ju programs, which agree in a process of their own: what that did before matters\n",
                signature.c_str(), std::uintmax_t{failure.times}, std::uintmax_t{ran_});
    std::printf("program %zu of seed %ju, in a process that began with program %zu: %s\n", failure.index + 1,
                std::uintmax_t{options_.seed}, failure.began + 1, failure.verdict.sentence().c_str());
    std::printf("again: %s\n", command_for(options_, failure.index + 1).c_str());
    if (!result.verdict.failed())
      return std::printf("these %zu programs agree in another process: it depends on more than on what ran there\n\n",
                         programs.size()),
             true;
    const std::string file = file_of(signature, ".chain");
    if (!write_file(file, result.bytes.data(), result.bytes.size())) return false;
    std::string why;
    const auto left = parse_chain(result.bytes, why);
    std::printf("written: %s, of which %ju of the %zu programs are enough; again: %s\n\n", file.c_str(),
                std::uintmax_t{left ? left->count() : 1}, programs.size(), command_for(file).c_str());
    return true;
  }

  static constexpr std::size_t most_kinds = 20;
  /// What lives in globals is left in some state by each program, and a new process has it new: a find then fails in a
  /// process of its own too, and memory that was kept does not make up for what is refused.
  static constexpr std::size_t programs_on_globals = 50;

  Runner& runner_;
  const RandomOptions& options_;
  MinimizeProgress progress_;
  std::map<std::string, Failure> failures_;  // by signature
  std::uint64_t ran_ = 0, operations_ = 0;
};

}  // namespace

int run_random(Runner& runner, const RandomOptions& options) { return Search{runner, options}.run(); }

int write_random(const RandomOptions& options, const Language& language) {
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  for (std::size_t i = 0; i < options.programs; ++i) {
    const std::vector<std::uint8_t> bytes = encode(random_program(options, i, language));
    char name[32];
    std::snprintf(name, sizeof name, "/%06zu", i);
    if (!write_file(options.folder + name, bytes.data(), bytes.size())) return 2;
  }
  return 0;
}

}  // namespace slabproof
