#include "fuzz/replay/options.hpp"

#include <getopt.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace slabproof {

std::optional<Options> options_of(int argc, char** argv) {
  enum Option {
    Quiet = 1,
    Full,
    Minimize,
    AsTest,
    Html,
    Json,
    Environment,
    Help,
    GoOn,
    WriteBytes,
    WriteTrace,
    Output,
    Budget,
    Random,
    Seed
  };
  constexpr option known[] = {{"quiet", no_argument, nullptr, Quiet},
                              {"full", no_argument, nullptr, Full},
                              {"minimize", no_argument, nullptr, Minimize},
                              {"as-test", no_argument, nullptr, AsTest},
                              {"html", no_argument, nullptr, Html},
                              {"json", no_argument, nullptr, Json},
                              {"environment", no_argument, nullptr, Environment},
                              {"help", no_argument, nullptr, Help},
                              {"go-on", no_argument, nullptr, GoOn},
                              {"write-bytes", required_argument, nullptr, WriteBytes},
                              {"write-trace", required_argument, nullptr, WriteTrace},
                              {"output", required_argument, nullptr, Output},
                              {"budget", required_argument, nullptr, Budget},
                              {"random", required_argument, nullptr, Random},
                              {"seed", required_argument, nullptr, Seed},
                              {}};
  const auto wrong = [](const std::string& why) {
    std::fprintf(stderr, "%s: %s (ci/replay --help tells the options)\n", program_invocation_short_name, why.c_str());
    return std::nullopt;
  };
  Options options;
  opterr = 0;
  for (int found = 0, which = 0; (found = getopt_long(argc, argv, ":", known, &which)) != -1;) {
    if (found >= WriteBytes && found <= Seed && *optarg == 0)
      return wrong(std::string{"--"} + known[which].name + ": its argument is empty");
    switch (found) {
      case Quiet: options.quiet = true; break;
      case Full: options.full = true; break;
      case Minimize: options.minimize = true; break;
      case AsTest: options.as_test = true; break;
      case Html: options.html = true; break;
      case Json: options.json = true; break;
      case Environment: options.environment = true; break;
      case Help: options.help = true; break;
      case GoOn: options.go_on = true; break;
      case WriteBytes: options.bytes_out = optarg; break;
      case WriteTrace: options.trace_out = optarg; break;
      case Output: options.output = optarg; break;
      case Budget: options.budget = optarg; break;
      case Random: options.random = optarg; break;
      case Seed: options.seed = optarg; break;
      case ':': return wrong(std::string{argv[optind - 1]} + ": its argument is missing");
      default:
        return wrong((optopt != 0 ? std::string{'-', static_cast<char>(optopt)} : argv[optind - 1]) +
                     ": unknown option; a file of that name goes after --");
    }
  }
  options.files.assign(argv + optind, argv + argc);
  if (options.environment && !options.files.empty()) return wrong("--environment looks at no file");
  if (options.help || options.environment) return options;
  if (!options.output.empty() && !options.minimize && !options.as_test && !options.html && options.random.empty())
    return wrong("--output: only --minimize, --as-test, --html and --random write there");

  if (!options.budget.empty() && !options.minimize && options.random.empty())
    return wrong("--budget: only --minimize and --random have one");
  if (options.budget.empty()) options.budget = "60";
  char* budget_end = nullptr;
  constexpr double longest = 1e7;
  if (const double budget = std::strtod(options.budget.c_str(), &budget_end);
      !(budget > 0 && budget <= longest) || *budget_end)
    return wrong("--budget " + options.budget + ": not a number of seconds");
  const auto is_count = [](const std::string& text) {
    return !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == text.npos;
  };
  if (!options.random.empty()) {
    if (!is_count(options.random) || std::stoul(options.random) == 0)
      return wrong("--random " + options.random + ": not a number of programs");
    if (!is_count(options.seed)) return wrong("--seed " + options.seed + ": not a number of at most nine digits");
    if (!options.files.empty()) return wrong("--random reads no file");
    if (options.minimize || options.as_test || options.html || options.json || !options.trace_out.empty())
      return wrong("--random goes with --seed, --go-on, --budget, --output and --write-bytes alone");
    if (!options.bytes_out.empty() && (options.go_on || !options.output.empty()))
      return wrong("--random --write-bytes runs no program: it goes with --seed alone");
    return options;
  }
  if (options.seed != "0") return wrong("--seed goes with --random");
  if (options.go_on) return wrong("--go-on goes with --random");
  if (options.files.empty()) return wrong("no file is named");
  const bool many_files = options.json && !options.minimize;
  const int ways = options.minimize + options.as_test + options.html + many_files;
  if (ways > 1) return wrong("--minimize, --as-test, --html and --json each want a run of their own");
  const bool writes = !options.bytes_out.empty() || !options.trace_out.empty();
  if (options.json && writes) return wrong("--json writes no program");
  if (((ways == 1 && !many_files) || writes) && options.files.size() > 1)
    return wrong("one file at a time can be written, minimized or made a test or a page of");
  return options;
}

}  // namespace slabproof
