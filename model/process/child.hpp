#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace slabproof {

/// The exit status of a child process that judged nothing, and said why.
constexpr int judged_nothing = 125;

/// In a child process that is to judge something, before anything else: it ends when `parent` does, and judges nothing
/// where a sanitizer would find errors that are none.
void begin_child(pid_t parent);

/// Why the end of a child process tells nothing of what it judged; empty when it does. What ended it may have been its
/// surroundings: another process, a limit, the kernel where memory ran out. `report` is what it wrote to stderr.
std::string why_end_tells_nothing(int status, std::string_view report = {});

/// Writes out what was printed, or ends this process as the next one does.
void flush_output();

/// Ends this process, which could not do its work, with status 2 and the reason.
[[noreturn]] void cannot_judge(const std::string& why);

}  // namespace slabproof
