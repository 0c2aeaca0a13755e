#pragma once

#include <string>

namespace slabproof {

/// Why a sanitizer of this build cannot be trusted here, in words that follow the name of the program; empty when all
/// is well. Takes microseconds; holds at the moment of the call.
std::string why_no_check_is_possible();

/// Why LeakSanitizer cannot look for leaks where this process runs; empty when it can, when the build has none, and
/// when ASAN_OPTIONS does not want it.
std::string why_no_leak_check_is_possible();

}  // namespace slabproof
