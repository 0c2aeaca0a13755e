#pragma once

#include <string>

namespace slabproof {

/// The exit status of a child process that could judge nothing and has said why.
constexpr int judged_nothing = 125;

/// Ends this process with status 2 and the reason why it could not do its work. A child whose stderr is captured exits
/// with judged_nothing and leaves the message to its parent.
[[noreturn]] void cannot_judge(const std::string& why);
/// The same after a failed system call: `what`, and the meaning of errno.
[[noreturn]] void cannot_judge_for_errno(const std::string& what);

/// Flushes the output; if that fails, this process cannot do its work.
void flush_output();

/// In a child process whose stderr is captured.
void leave_the_reason_to_the_parent();

}  // namespace slabproof
