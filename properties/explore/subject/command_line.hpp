#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "model/subject/subject.hpp"
#include "properties/explore/subject/world.hpp"

namespace slabproof {

/// What NAME_explore has to do.
struct SubjectCommandLine {
  std::vector<SubjectBounds> worlds;  // of a pool one for each size and alignment
  std::size_t limit = 1'000'000;      // states of each
  std::string folder = "found";
  bool help = false;
};

extern const char* const subject_explorer_help;

/// Nothing, and in `why` the reason, when the options are wrong or ask for what the subject does not accept.
std::optional<SubjectCommandLine> subject_command_line(const std::vector<std::string>& arguments,
                                                       const Language& language, std::size_t capacity,
                                                       std::string& why);

}  // namespace slabproof
