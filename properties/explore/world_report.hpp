#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "properties/explore/command_line.hpp"

namespace slabproof {

/// One world of a command line.
struct WorldChoice {
  slab::Row row;
  PolicyKind policy;
  std::uint8_t kept;
  WorldSize size;
};

/// For people: 1,234,567.
[[nodiscard]] std::string grouped(std::uint64_t number);

/// Whether others do something in the middle of operations there, if the policy is Checked.
[[nodiscard]] bool has_mishaps(const CommandLine& line, const WorldSize& size);

/// Explores the world once with each scrub and prints the result. The exit code of slab_explore: 0 nothing wrong, 1 a
/// defect, which is saved, 2 nothing is claimed. Adds to `mishaps` how many there were.
int report_world(const WorldChoice& world, const CommandLine& line, std::atomic<std::uint64_t>& mishaps);

}  // namespace slabproof
