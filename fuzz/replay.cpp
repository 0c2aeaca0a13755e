#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/as_test.hpp"
#include "fuzz/batch.hpp"
#include "fuzz/history.hpp"
#include "fuzz/input.hpp"
#include "fuzz/minimize_file.hpp"
#include "fuzz/replay_chain.hpp"
#include "model/encoder.hpp"
#include "model/geometry_oracle.hpp"
#include "model/isolated.hpp"
#include "model/picture.hpp"
#include "model/trace.hpp"

namespace slabproof {
namespace {

constexpr const char* usage =
    "usage: slab_replay [--quiet] [--write-bytes OUT | --write-trace OUT] FILE...\n"
    "       slab_replay --minimize [--budget SECONDS] [--output OUT] FILE\n"
    "       slab_replay --as-test [--output OUT.cpp] FILE\n"
    "       slab_replay --html [--output OUT.html] FILE\n"
    "       slab_replay --json FILE...\n"
    "\n"
    "Replays corpus and crash files, each in a child process: prints the program as a trace with\n"
    "the state of every slab after every step, and the verdict. A name that ends in .trace is text,\n"
    "one in .cpp a test that --as-test wrote, anything else is bytes. With fuzz_geometry in its name or\n"
    "its folder's a file is five numbers for Geometry::make, with fuzz_trace a text for the parser, which\n"
    "need not be a program.\n"
    "\n"
    "  --quiet            the verdict only\n"
    "  --write-bytes OUT  also write the program as bytes, to one file\n"
    "  --write-trace OUT  also write the program as a trace, to one file\n"
    "  --minimize         look for the smallest program that fails in the same way; write it to OUT as\n"
    "                     bytes and to OUT.trace as text. OUT is FILE.min unless --output says otherwise\n"
    "  --budget SECONDS   how long to look, 60 by default. Ctrl-C ends it too, with what was reached\n"
    "  --as-test          the program as a GoogleTest case that needs nothing but the allocator, on stdout\n"
    "                     or in OUT.cpp\n"
    "  --html             the program as a page on which to go through it step by step, in OUT.html or\n"
    "                     FILE.html; one file that needs no network\n"
    "  --json             a JSON object a line for each file, as soon as it is known: file, input, outcome (agreed,\n"
    "                     violated, died, hung, unreadable), signature, sentence, step, operation, invariant,\n"
    "                     expected, observed, death, frame, frames, operations, alone. All files go through one\n"
    "                     process, one after the other; those that fail there are tried alone as well. alone is\n"
    "                     \"failed\" then, or \"agreed\" where a failure needs what the process did before\n"
    "  --help             this text\n"
    "\n"
    "In the pictures: # a live object, . a free slot, _ a slot never handed out, |i SlabInfo.\n"
    "Exit status: 0 every file agrees, 1 one fails, 2 one cannot be read.\n";

enum class Outcome : int { Agreed = 0, Fails = 1, Unreadable = 2 };

struct Options {
  bool quiet = false, minimize = false, as_test = false, html = false, json = false;
  std::string bytes_out, trace_out, output, budget = "60";
  std::vector<std::string> files;
};

Outcome unreadable(const std::string& file, const std::string& why) {
  std::fprintf(stderr, "slab_replay: %s: %s\n", file.c_str(), why.c_str());
  return Outcome::Unreadable;
}

Outcome print_verdict(const Verdict& verdict) {
  std::printf("verdict: %s\n", verdict.sentence().c_str());
  if (verdict.agreed()) return Outcome::Agreed;
  std::printf("signature: %s\n", verdict.signature().c_str());
  return Outcome::Fails;
}

Outcome replay_geometry(const GeometryQuery& query, const Options& options) {
  std::printf("%s\n", to_text(query).c_str());
  const IsolatedRun run = judge_isolated(query);
  if (!run.verdict.agreed() && !options.quiet) std::printf("%s", run.report.c_str());
  return print_verdict(run.verdict);
}

Outcome replay_text(const std::string& text, const Options& options) {
  const IsolatedRun run = judge_isolated(std::string_view{text});
  if (!options.quiet && !run.verdict.agreed()) std::printf("%s\n%s", text.c_str(), run.report.c_str());
  if (!options.quiet && run.verdict.agreed()) {
    const ParseResult parsed = parse(text);
    if (parsed.program)
      std::printf("%s", to_text(*parsed.program).c_str());
    else
      std::printf("no program: %s\n", sentence(parsed.error).c_str());
  }
  return print_verdict(run.verdict);
}

void print_step(Runner& runner, const Operation* operation, std::uint32_t& calls) {
  if (operation)
    std::printf("%6u  %s\n", calls - 1, to_text(*operation).c_str());
  else
    std::printf("%6s  %s\n", "",
                calls == 0 ? "(the caches are made)" : "(everything is freed and the caches destroyed)");
  ++calls;
  std::printf("%s", picture(runner).c_str());
  std::fflush(stdout);
}

Outcome write_test(Runner& runner, const std::string& file, const Program& program, const std::string& output) {
  if (program.operations.size() > max_recorded_operations)
    return unreadable(file,
                      "has more than " + std::to_string(max_recorded_operations) + " operations; minimize it first");
  const Recording recording = record(runner, program);
  if (recording.run.verdict.agreed())
    return std::fprintf(stderr, "%s does not fail: there is nothing to test\n", file.c_str()), Outcome::Agreed;
  const std::size_t name = file.find_last_of('/') + 1;
  const std::string test = as_test(program, recording, file.substr(name, file.find('.', name) - name));
  if (output.empty()) return std::printf("%s", test.c_str()), Outcome::Fails;
  return write_file(output, test.data(), test.size()) ? Outcome::Fails : Outcome::Unreadable;
}

Outcome write_page(Runner& runner, const std::string& file, const Program& program, const std::string& output) {
  constexpr std::string_view place = "@HISTORY@";
  std::string why;
  auto page = read_file(SLABPROOF_REPLAY_PAGE, std::size_t{1} << 20, why);
  if (!page) return unreadable(SLABPROOF_REPLAY_PAGE, why);
  const History history = history_of(runner, program);
  if (history.json.empty()) return unreadable(file, "has more to show than a page can hold; minimize it first");
  page->replace(page->find(place), place.size(), history.json);
  const std::string written = output.empty() ? file + ".html" : output;
  if (!write_file(written, page->data(), page->size())) return Outcome::Unreadable;
  std::printf("written: %s\n", written.c_str());
  return print_verdict(history.run.verdict);
}

Outcome replay_chain_file(Runner& runner, const std::string& file, const ChainFile& content, const Options& options) {
  if (!content.chain()) return unreadable(file, content.why_not());
  if (options.as_test || options.html || !options.bytes_out.empty() || !options.trace_out.empty())
    return unreadable(file,
                      "is a chain of inputs, and needs them all in one process: no test, page or other file of one "
                      "program shows that; minimize it, and if one program is left make it of that");
  if (options.files.size() > 1) std::printf("%s\n", file.c_str());
  if (options.minimize)
    return static_cast<Outcome>(minimize_chain_file(runner, file, *content.chain(), options.output,
                                                    std::chrono::duration<double>{std::stod(options.budget)}));
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
  if (options.minimize)
    return static_cast<Outcome>(
        minimize_file(runner, file, program, options.output, std::chrono::duration<double>{std::stod(options.budget)}));
  if (options.html) return write_page(runner, file, program, options.output);
  if (options.as_test) return write_test(runner, file, program, options.output);

  IsolationOptions isolation;
  std::uint32_t calls = 0;
  if (!options.quiet) {
    std::printf("%s", to_text(program.setup).c_str());
    isolation.after_step = [&](Runner& running, const Operation* operation) { print_step(running, operation, calls); };
  }
  const IsolatedRun run = run_isolated(runner, program, isolation);
  if (!run.verdict.agreed() && !options.quiet) {
    if (run.verdict.kind != Verdict::Kind::Violated && run.verdict.step < program.operations.size())
      std::printf("%6u  %s   <- here\n", run.verdict.step, to_text(program.operations[run.verdict.step]).c_str());
    std::printf("%s", run.report.c_str());
  }
  return print_verdict(run.verdict);
}

/// Where the argument of an option goes; null for an option without one.
std::string* argument_of(const std::string& option, Options& options) {
  if (option == "--write-bytes") return &options.bytes_out;
  if (option == "--write-trace") return &options.trace_out;
  if (option == "--output") return &options.output;
  return option == "--budget" ? &options.budget : nullptr;
}

int main(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help") return std::printf("%s", usage), 0;
    if (argument == "--quiet")
      options.quiet = true;
    else if (argument == "--minimize")
      options.minimize = true;
    else if (argument == "--html")
      options.html = true;
    else if (argument == "--json")
      options.json = true;
    else if (argument == "--as-test")
      options.as_test = true;
    else if (std::string* const value = argument_of(argument, options); value && i + 1 < arguments.size())
      *value = arguments[++i];
    else if (argument.starts_with("--"))
      return std::fprintf(stderr, "slab_replay: %s: unknown option, or its argument is missing\n%s", argument.c_str(),
                          usage),
             2;
    else
      options.files.push_back(argument);
  }
  char* budget_end = nullptr;
  if (std::strtod(options.budget.c_str(), &budget_end) <= 0 || *budget_end)
    return std::fprintf(stderr, "slab_replay: --budget %s: not a number of seconds\n", options.budget.c_str()), 2;
  const bool one_file =
      !options.bytes_out.empty() || !options.trace_out.empty() || options.minimize || options.as_test || options.html;
  if (options.files.empty() || (one_file && options.files.size() > 1)) return std::fprintf(stderr, "%s", usage), 2;
  Runner runner;
  if (options.json) return one_file ? (std::fprintf(stderr, "%s", usage), 2) : print_json(runner, options.files);
  Outcome worst = Outcome::Agreed;
  for (const std::string& file : options.files) worst = std::max(worst, replay(runner, file, options));
  return static_cast<int>(worst);
}

}  // namespace
}  // namespace slabproof

int main(int argc, char** argv) { return slabproof::main({argv + 1, argv + argc}); }
