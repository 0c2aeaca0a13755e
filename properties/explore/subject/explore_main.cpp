// The explorer of a subject as a program: docs/subjects.md.
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "model/process/cannot_judge.hpp"
#include "model/program/trace.hpp"
#include "properties/explore/subject/command_line.hpp"
#include "properties/explore/subject/explorer.hpp"

namespace slabproof {
namespace {

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string listed(const std::vector<std::uint32_t>& numbers) {
  std::string text;
  for (const std::uint32_t number : numbers) text += (text.empty() ? "" : ", ") + grouped(number);
  return text;
}

std::string name_of(const SubjectBounds& bounds, const Language& language) {
  const bool is_pool = language.shape == Shape::Pool;
  std::string name = (is_pool ? "pool of " : "heap, ") + listed(bounds.sizes) + " bytes aligned to " +
                     listed(bounds.aligns) + ", at most " + grouped(bounds.live) + " live";
  if (language.has(OperationKind::Fail)) name += ", " + grouped(bounds.memory) + " bytes taken";
  return name;
}

/// The trace as a file; false, with the reason on stderr, if it cannot be written.
bool write_trace(const std::string& folder, std::string name, const std::string& text) {
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '-';
  const std::string file = folder + "/" + name + ".trace";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  errno = 0;
  std::ofstream out{file, std::ios::binary};
  out << text;
  out.close();
  if (out) return std::printf("written: %s\n", file.c_str()), true;
  std::fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, file.c_str(),
               errno == 0 ? "cannot be written" : std::strerror(errno));
  return false;
}

void print_counts(const SubjectCounts& counts) {
  std::printf("  %s states, %s transitions", grouped(counts.states).c_str(), grouped(counts.transitions).c_str());
  if (counts.refused > 0) std::printf(", %s with memory refused", grouped(counts.refused).c_str());
  std::printf(", the farthest state after %u operations, %.1f s\n", counts.depth, counts.seconds);
  if (counts.beyond > 0)
    std::printf(
        "  %s transitions took more memory than that, and nothing was tried after them; at most %u lived at once\n",
        grouped(counts.beyond).c_str(), counts.live);
}

int tell_failure(const SubjectExploration& exploration, const std::string& folder) {
  const std::string text = to_text(exploration.program);
  std::printf("%s", text.c_str());
  if (exploration.verdict.agreed()) {
    std::printf("DEFECT, only with the contents that the explorer gives objects: replay agrees with this program\n");
    return write_trace(folder, "explored", text) ? 1 : 2;
  }
  const Verdict& verdict = exploration.verdict;
  std::printf("verdict: %s\n%ssignature: %s\n", verdict.sentence().c_str(), verdict.explanation().c_str(),
              verdict.signature().c_str());
  std::printf("%zu operations; no shorter program of this world fails, if its state lies where it says\n",
              exploration.program.operations.size());
  return write_trace(folder, verdict.signature(), text) ? 1 : 2;
}

int tell(const SubjectExploration& exploration, const SubjectCommandLine& line) {
  const SubjectCounts& counts = exploration.counts;
  print_counts(counts);
  switch (exploration.outcome) {
    case SubjectOutcome::Complete:
      if (counts.live == 0) {
        std::printf("  NOTHING seen: no object can live within this memory (--memory)\n");
        return 2;
      }
      std::printf(
          "  complete; %s of %s times that two programs left the same bytes both were gone on with, and did "
          "the same\n",
          grouped(counts.compared).c_str(), grouped(counts.merges).c_str());
      return 0;
    case SubjectOutcome::Failed: return tell_failure(exploration, line.folder);
    case SubjectOutcome::AtLimit:
      std::printf(
          "  NOT complete: there are more than %s states; nothing wrong in all programs of up to %u "
          "operations\n",
          grouped(line.limit).c_str(), counts.longest);
      return 2;
    case SubjectOutcome::Stopped:
      std::printf("  NOT complete: stopped by a signal; nothing wrong in all programs of up to %u operations\n",
                  counts.longest);
      return 2;
    case SubjectOutcome::Elsewhere: break;
  }
  std::printf("%s", to_text(exploration.program).c_str());
  std::fflush(stdout);
  std::fprintf(stderr,
               "%s: cannot explore this subject: %s (above). Its state must lie in its object, in memory that it takes "
               "from slabproof::Memory, and in the globals that it names (docs/subjects.md)\n",
               program_invocation_short_name, exploration.why.c_str());
  return 2;
}

int main(const std::vector<std::string>& arguments) {
  // The command that the person typed, if it was not this program.
  if (char* const command = std::getenv("SLABPROOF_COMMAND")) program_invocation_short_name = command;
  const TestedSubject& subject = tested_subject();
  std::string why;
  const auto line = subject_command_line(arguments, subject.language, subject.capacity, why);
  if (!line) {
    std::fprintf(stderr, "%s: %s (--help tells the options)\n", program_invocation_short_name, why.c_str());
    return 2;
  }
  if (line->help) return std::printf("%s\n", subject_explorer_help), flush_output(), 0;
  MinimizeProgress progress{"programs", "states", 0};
  int worst = 0;
  for (const SubjectBounds& bounds : line->worlds) {
    std::printf("%s\n", name_of(bounds, subject.language).c_str());
    std::fflush(stdout);
    const SubjectExploration exploration = explore(subject, bounds, line->limit, progress);
    const int outcome = tell(exploration, *line);
    worst = std::max(worst, outcome);
    if (outcome == 1) return flush_output(), 1;
    if (exploration.outcome == SubjectOutcome::Stopped || exploration.outcome == SubjectOutcome::Elsewhere) break;
  }
  using enum OperationKind;
  const Language& language = subject.language;
  const bool frees_wrongly = language.has(DoubleFree) || language.has(FreeInterior) || language.has(FreeForeign) ||
                             language.has(FreeWrongSize);
  if (worst == 0)
    std::printf("Nothing wrong in any program of these operations within these bounds, of any length%s.\n",
                frees_wrongly ? "; of wrong frees that left other bytes than before, one in each program" : "");
  flush_output();
  return worst;
}

}  // namespace
}  // namespace slabproof

int main(int argc, char** argv) { return slabproof::main({argv + 1, argv + argc}); }
