#pragma once

#include <string>

namespace slabproof {

/// Why nothing that a sanitizer of this build says here could be believed, in words that follow the name of the
/// program; empty when all is well. Takes microseconds; true of this moment.
std::string why_no_check_is_possible();

/// Why LeakSanitizer cannot look for leaks where this process runs; empty when it can, when the build has none, and
/// when ASAN_OPTIONS does not want it.
std::string why_no_leak_check_is_possible();

}  // namespace slabproof
