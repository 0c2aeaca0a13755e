#include "fuzz/replay/answer.hpp"

#include <cerrno>
#include <cstdio>

namespace slabproof {

Outcome unreadable(const std::string& file, const std::string& why) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, file.c_str(), why.c_str());
  return Outcome::Unreadable;
}

Outcome print_verdict(const IsolatedRun& run, const Options& options) {
  const Verdict& verdict = run.verdict;
  std::printf("verdict: %s\n%s", verdict.sentence().c_str(), verdict.explanation().c_str());
  if (verdict.agreed()) return Outcome::Agreed;
  std::printf("signature: %s\n", verdict.signature().c_str());
  if (options.full && !run.report.empty()) std::printf("the whole report:\n%s", run.report.c_str());
  return Outcome::Fails;
}

}  // namespace slabproof
