#pragma once

#include <string>

#include "fuzz/replay/options.hpp"
#include "model/process/isolated.hpp"

namespace slabproof {

/// What is said of a file; the exit status of the tool.
enum class Outcome : int { Agreed = 0, Fails = 1, Unreadable = 2 };

/// Says so on stderr.
Outcome unreadable(const std::string& file, const std::string& why);

/// The verdict has the sentence and the first frames of a sanitizer's report; the rest is shown with --full.
Outcome print_verdict(const IsolatedRun& run, const Options& options);

}  // namespace slabproof
