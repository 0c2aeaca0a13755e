#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <slab/geometry.hpp>

namespace slabproof {

struct WorldSize {
  std::uint32_t objects;  // a slab
  std::size_t slabs;
  std::uint8_t caches;
  bool pointers = true;  // are freed
};

/// What the command line of slab_explore asks for: a world for each combination of size, row, policy and empty slabs
/// kept.
struct CommandLine {
  std::vector<WorldSize> sizes;
  std::vector<slab::Row> rows{slab::Row::SmallSinglePage, slab::Row::SmallMultiPage, slab::Row::Large};
  std::vector<bool> checks{true, false};
  std::vector<std::uint8_t> kept{1, 0};
  std::vector<std::uint64_t> scrubs;  // patterns in dead bytes; each world is explored with each of them
  double memory = 6;                  // GiB
  std::size_t jobs = 1;
  bool pointers = true;
  std::string folder = "fuzz-out/crashes";
};

/// Nothing when the arguments are wrong; `why` then says what is.
std::optional<CommandLine> parse_command_line(const std::vector<std::string>& arguments, std::string& why);

}  // namespace slabproof
