#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <slab/geometry.hpp>

#include "model/program/policy_kind.hpp"

namespace slabproof {

struct WorldSize {
  std::uint32_t objects;  // a slab
  std::size_t slabs;
  std::uint8_t caches;
  bool pointers = true;  // are freed
  bool mishaps = false;  // happen
};

/// Of a world whose policy has guards: with more states, from orders in a quarantine and bytes written astray.
struct GuardedSize {
  Guards guards;
  WorldSize size;
};

/// In which worlds others do something in the middle of operations: in those that are small enough, or of which a set
/// says so; in all; in none.
enum class Mishaps : std::uint8_t { InSmall, All, None };

/// What the command line of slab_explore asks for: a world for each combination of size, row, policy and empty slabs
/// kept, as far as there is such a policy.
struct CommandLine {
  std::vector<WorldSize> sizes;  // of worlds whose policy has no guards
  std::vector<GuardedSize> guarded_sizes;  // of the others
  std::vector<slab::Row> rows{slab::Row::SmallSinglePage, slab::Row::SmallMultiPage, slab::Row::Large};
  std::vector<PolicyKind> policies;
  std::vector<std::uint8_t> kept{1, 0};
  std::vector<std::uint64_t> scrubs;  // patterns in dead bytes; each world is explored with each of them
  double memory = 6;                  // GiB
  std::size_t jobs = 1;
  bool pointers = true;
  Mishaps mishaps = Mishaps::InSmall;
  bool every_accepted = false;  // start from each state that audit() accepts
  std::string folder = "fuzz-out/crashes";
};

/// Nothing when the arguments are wrong; `why` then says what is.
std::optional<CommandLine> parse_command_line(const std::vector<std::string>& arguments, std::string& why);

}  // namespace slabproof
