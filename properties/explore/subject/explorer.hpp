#pragma once

#include <cstddef>
#include <string>

#include "model/judge/verdict.hpp"
#include "model/process/minimize_progress.hpp"
#include "model/program/program.hpp"
#include "model/subject/tested_subject.hpp"
#include "properties/explore/subject/search.hpp"

namespace slabproof {

struct SubjectExploration {
  SubjectOutcome outcome = SubjectOutcome::Complete;
  SubjectCounts counts;
  // Of a failure, or what shows that the state lies elsewhere: the program that ran last.
  Program program;
  Verdict verdict;        // of the program in a process of its own; agreed: it fails in none
  bool is_shortest = true;  // of the programs that the bounds allow
  std::string why;        // it lies elsewhere, in words
};

/// Visits every state of `subject` within the bounds, in a child process, until something fails or there are as many as
/// `limit`. Progress on stderr; after a signal it stops and says how far it went. Ends this process with status 2 where
/// the child could not do its work.
SubjectExploration explore(const TestedSubject& subject, const SubjectBounds& bounds, std::size_t limit,
                           MinimizeProgress& progress);

}  // namespace slabproof
