#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bench/subject.hpp"

namespace bench {

/// What the command line asks for. An empty list stands for everything.
struct Selection {
  std::string what;  ///< --time, --statistics, --memory, --count or --list
  std::vector<std::string> subjects, workloads;
  std::vector<std::size_t> sizes, live;
  std::size_t rounds = 1;

  [[nodiscard]] bool takes(const Subject& subject) const;
};

/// One subject under one workload, of as many objects as the shape says.
struct Case {
  const Subject* subject;
  Shape shape;
};

/// What is wrong with the arguments; empty if nothing is.
std::string parse(const std::vector<std::string>& arguments, Selection& selection);

/// The cases that a selection takes: every workload as it is, or churn over each of the numbers of live objects.
std::vector<Case> cases_of(const Selection& selection);

/// Measures, and prints a line of JSON for each result as soon as there is one.
void print_times(const std::vector<Case>& cases, std::size_t rounds);
/// The same of asking each subject of a case for its statistics; those that have none are left out.
void print_statistics(const std::vector<Case>& cases, std::size_t rounds);
/// The same of what a subject holds. Only once in a process: what comes later finds memory that was used before.
void print_memory(const Subject& subject);
/// False where this was compiled without Valgrind's header, or does not run under callgrind.
bool count_instructions(const std::vector<Case>& cases);

}  // namespace bench
