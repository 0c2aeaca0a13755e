#pragma once

#include <string>

#include "fuzz/replay/subject_test/selected.hpp"
#include "model/judge/verdict.hpp"
#include "model/program/program.hpp"
#include "model/subject/tested_subject.hpp"

namespace slabproof {

/// What the test of one program needs of the texts (texts.hpp), by what the subject promises and the program does.
Parts parts_of_test(const TestedSubject& subject, const Program& program, const Verdict& verdict);
Values values_of_test(const TestedSubject& subject, const Program& program, const Parts& parts);

/// The body of the test: the operations up to the failing one, and the end of every program.
std::string body_of_test(const TestedSubject& subject, const Program& program, const Verdict& verdict,
                         const Parts& parts);

}  // namespace slabproof
