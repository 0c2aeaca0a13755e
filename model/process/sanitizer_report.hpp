#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/judge/verdict.hpp"
#include "model/process/child.hpp"

namespace slabproof {

/// Which sanitizer has reported, if one has; else it was a signal or an exit.
DeathBy ended_by(std::string_view report);

/// The cause of a child process's death, from its stderr: the first sentence of AddressSanitizer, without the
/// registers, or of UndefinedBehaviorSanitizer; else the signal or exit status and the last line.
std::string describe_death(std::string_view report, const ChildEnd& end);

/// The function of the first stack frame that lies in the allocator; empty without one.
std::string first_frame(std::string_view report);

/// The first functions of the report's first stack that lie in the project: "put_slot cache_core.hpp:402".
std::vector<std::string> first_frames(std::string_view report);

}  // namespace slabproof
