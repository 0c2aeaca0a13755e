#pragma once

#include <string>

namespace slabproof {

/// The exit status of a child process that could judge nothing and has said why.
constexpr int judged_nothing = 125;

/// Ends this process with status 2 and the reason why it could not do its work. A child whose stderr is captured ends
/// with judged_nothing and leaves the sentence to its parent.
[[noreturn]] void cannot_judge(const std::string& why);
/// The same, where a call of the system failed: `what`, and what errno says.
[[noreturn]] void cannot_judge_for_errno(const std::string& what);

/// Writes out what was printed; where that cannot be done, this process cannot do its work.
void flush_output();

/// In a child process whose stderr is captured.
void leave_the_reason_to_the_parent();

}  // namespace slabproof
