#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/replay/answer.hpp"
#include "fuzz/replay/batch.hpp"
#include "fuzz/replay/input.hpp"
#include "fuzz/replay/minimize_file.hpp"
#include "fuzz/replay/options.hpp"
#include "fuzz/replay/picture.hpp"
#include "fuzz/replay/random.hpp"
#include "fuzz/replay/replay_chain.hpp"
#include "fuzz/replay/test_and_page.hpp"
#include "fuzz/replay/words.hpp"
#include "model/judge/geometry_oracle.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/process/cannot_judge.hpp"
#include "model/process/isolated.hpp"
#include "model/process/possible_checks.hpp"
#include "model/program/codec.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
namespace {

Outcome replay_geometry(const GeometryQuery& query, const Options& options) {
  std::printf("%s\n", to_text(query).c_str());
  const IsolatedRun run = judge_isolated(query);
  return print_verdict(run, options);
}

Outcome replay_text(const std::string& text, const Options& options) {
  const IsolatedRun run = judge_isolated(std::string_view{text});
  if (!options.quiet && !run.verdict.agreed()) std::printf("%s\n", text.c_str());
  if (!options.quiet && run.verdict.agreed()) {
    const ParseResult parsed = parse(text);
    if (parsed.program)
      std::printf("%s", to_text(*parsed.program).c_str());
    else
      std::printf("no program: %s\n", sentence(parsed.error).c_str());
  }
  return print_verdict(run, options);
}

void print_step(Runner& runner, const Operation* operation, std::uint32_t& calls) {
  if (operation)
    std::printf("%6u  %s\n", calls - 1, to_text(*operation).c_str());
  else
    std::printf("%6s  (%s)\n", "",
                calls == 0 ? beginning_of(runner.language().shape) : end_of(runner.language().shape));
  ++calls;
  std::printf("%s", picture(runner).c_str());
  flush_output();
}

MinimizeOptions minimizing(const Options& options) {
  using enum MinimizeOptions::Answer;
  return {.output = options.output,
          .budget = std::chrono::duration<double>{std::stod(options.budget)},
          .answer = options.json ? Json : ForPeople};
}

Outcome replay_chain_file(Runner& runner, const std::string& file, const ChainFile& content, const Options& options) {
  if (!content.chain()) return unreadable(file, content.why_not());
  if (options.as_test || options.html || !options.bytes_out.empty() || !options.trace_out.empty())
    return unreadable(file,
                      "is a chain of inputs, and needs them all in one process: no test, page or other file of one "
                      "program shows that; minimize it, and if one program is left make it of that");
  if (options.files.size() > 1) std::printf("%s\n", file.c_str());
  if (options.minimize)
    return static_cast<Outcome>(minimize_chain_file(runner, file, *content.chain(), minimizing(options)));
  IsolationOptions isolation;
  std::uint32_t calls = 0;
  if (!options.quiet)
    isolation.after_step = [&](Runner& running, const Operation* operation) {
      if (calls == 0) std::printf("%s", to_text(running.setup()).c_str());
      print_step(running, operation, calls);
    };
  return static_cast<Outcome>(replay_chain(runner, *content.chain(), isolation));
}

Outcome replay(Runner& runner, const std::string& file, const Options& options) {
  std::string why;
  if (const auto chain = ChainFile::open(file)) return replay_chain_file(runner, file, *chain, options);
  const auto input = read_input(file, why);
  if (!input) return unreadable(file, why);
  if (options.files.size() > 1) std::printf("%s\n", file.c_str());
  using enum Input::Kind;
  if ((options.minimize || options.as_test || options.html) && input->kind != Input::Kind::Program)
    return unreadable(file, input->kind == Text ? "is any text and no program" : "is five numbers and no program");
  if (input->kind == Geometry) return replay_geometry(input->geometry, options);
  if (input->kind == Text) return replay_text(input->text, options);

  const slabproof::Program& program = input->program;
  if (const auto bytes = encode(program);
      !options.bytes_out.empty() && !write_file(options.bytes_out, bytes.data(), bytes.size()))
    return Outcome::Unreadable;
  if (const auto text = to_text(program);
      !options.trace_out.empty() && !write_file(options.trace_out, text.data(), text.size()))
    return Outcome::Unreadable;
  if (options.minimize) return static_cast<Outcome>(minimize_file(runner, file, program, minimizing(options)));
  if (options.html) return write_page(runner, file, program, options);
  if (options.as_test) return write_test(runner, file, program, options);

  IsolationOptions isolation;
  std::uint32_t calls = 0;
  if (!options.quiet) {
    std::printf("%s", to_text(program.setup).c_str());
    isolation.after_step = [&](Runner& running, const Operation* operation) { print_step(running, operation, calls); };
  }
  const IsolatedRun run = run_isolated(runner, program, isolation);
  if (const Verdict& verdict = run.verdict;
      !options.quiet && verdict.step < program.operations.size() &&
      (verdict.kind == Verdict::Kind::Died || verdict.kind == Verdict::Kind::Hung))
    std::printf("%6u  %s   <- here\n", verdict.step, to_text(program.operations[verdict.step]).c_str());
  return print_verdict(run, options);
}

/// Prints a line for each check that cannot be made where this runs.
void print_environment() {
  (void)judge_isolated(GeometryQuery{});  // ends the program if nothing can be judged
  if (!has_asan) std::printf("memory errors are not looked for: this build has no AddressSanitizer\n");
  if (const std::string why = why_no_leak_check_is_possible(); !why.empty())
    std::printf("leaks are not looked for: %s\n", why.c_str());
}

int replay_all(const Options& options) {
  if (const std::string why = why_no_leak_check_is_possible(); !why.empty())
    std::fprintf(stderr, "%s: leaks are not looked for: %s\n", program_invocation_short_name, why.c_str());
  Runner runner;
  if (!options.random.empty()) {
    RandomOptions random{.programs = std::stoul(options.random),
                         .seed = std::stoul(options.seed),
                         .goes_on = options.go_on,
                         .folder = options.output.empty() ? "found" : options.output,
                         .budget = std::chrono::duration<double>{std::stod(options.budget)}};
    if (options.bytes_out.empty()) return run_random(runner, random);
    random.folder = options.bytes_out;
    return write_random(random, runner.language());
  }
  if (options.json && !options.minimize) return print_json(runner, options.files);
  Outcome worst = Outcome::Agreed;
  for (const std::string& file : options.files) worst = std::max(worst, replay(runner, file, options));
  return static_cast<int>(worst);
}

int main(int argc, char** argv) {
  // The command that the person typed, if it was not this program.
  if (char* const command = std::getenv("SLABPROOF_COMMAND")) program_invocation_short_name = command;
  const auto options = options_of(argc, argv);
  if (!options) return 2;
  int outcome = 0;
  if (options->help)
    std::printf("ci/replay --help tells the options\n");
  else if (options->environment)
    print_environment();
  else
    outcome = replay_all(*options);
  flush_output();
  return outcome;
}

}  // namespace
}  // namespace slabproof

int main(int argc, char** argv) { return slabproof::main(argc, argv); }
