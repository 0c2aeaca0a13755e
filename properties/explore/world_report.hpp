#pragma once

#include "properties/explore/command_line.hpp"

namespace slabproof {

/// One world of a command line.
struct WorldChoice {
  slab::Row row;
  PolicyKind policy;
  std::uint8_t kept;
  WorldSize size;
};

/// Explores the world once with each scrub and prints the result. The exit code of slab_explore: 0 nothing wrong, 1 a
/// defect, which is saved, 2 nothing is claimed.
int report_world(const WorldChoice& world, const CommandLine& line);

}  // namespace slabproof
