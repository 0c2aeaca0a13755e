#include "fuzz/replay/random.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <map>
#include <system_error>

#include "fuzz/replay/joined.hpp"
#include "fuzz/replay/minimize_file.hpp"
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
};

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
    if (result.verdict.agreed()) {
      std::printf("%s: %ju of %ju programs, which agree in a process of their own\n", signature.c_str(),
                  std::uintmax_t{failure.times}, std::uintmax_t{ran_});
      return true;
    }
    const std::string text = to_text(result.program);
    std::printf("%sverdict: %s\n%ssignature: %s\n", text.c_str(), result.verdict.sentence().c_str(),
                result.verdict.explanation().c_str(), result.verdict.signature().c_str());
    if (options_.goes_on) std::printf("in %ju of %ju programs, ", std::uintmax_t{failure.times}, std::uintmax_t{ran_});
    std::printf("%sfound by program %ju; %zu operations made %zu%s\n", options_.goes_on ? "first " : "",
                std::uintmax_t{failure.first}, failure.shortest.operations.size(), result.program.operations.size(),
                result.finished ? "" : ", stopped before nothing smaller was left to try");
    std::string name = result.verdict.signature();
    for (char& c : name)
      if (!std::isalnum(static_cast<unsigned char>(c))) c = '-';
    std::error_code error;
    std::filesystem::create_directories(options_.folder, error);
    const std::string file = options_.folder + "/" + name + ".trace";
    if (!write_file(file, text.data(), text.size())) return false;
    std::printf("written: %s\n\n", file.c_str());
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
