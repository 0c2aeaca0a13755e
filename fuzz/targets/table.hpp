#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "fuzz/chain/chain.hpp"

namespace slabproof {

/// A fuzz target: a line of fuzz/targets/table.
struct FuzzTarget {
  std::string_view name;
  std::size_t max_len;  // of an input, in bytes
  InputKind input;
  std::string_view replayed_by;  // the replay tool
};

inline constexpr std::string_view slab_tool = "slab_replay", hosted_tool = "hosted_replay";

inline constexpr auto fuzz_targets = [] {
  struct Word {
    InputKind input;
    std::string_view replayed_by = slab_tool;
  };
  [[maybe_unused]] constexpr Word program{InputKind::Program}, geometry{InputKind::Geometry}, text{InputKind::Text},
      hosted{InputKind::Program, hosted_tool};
#define SLAB_FUZZ_TARGET(name, max_len, word) FuzzTarget{#name, max_len, word.input, word.replayed_by},
  return std::to_array<FuzzTarget>({
#include "fuzz/targets/table"
  });
#undef SLAB_FUZZ_TARGET
}();

/// The target whose name occurs in a text, such as the name of a file: the longest of several, null if there is none.
constexpr const FuzzTarget* target_named_in(std::string_view text) {
  const FuzzTarget* found = nullptr;
  for (const FuzzTarget& target : fuzz_targets)
    if (text.find(target.name) != text.npos && (!found || target.name.size() > found->name.size())) found = &target;
  return found;
}

}  // namespace slabproof
