#pragma once

#include <cstdint>
#include <vector>

namespace slabproof {

/// Parts of a SlabInfo, a bit each.
using Parts = unsigned;
inline constexpr Parts slots_part = 1, owner_part = 2, base_part = 4, next_part = 8, previous_part = 16,
                       next_slab_part = 32, previous_slab_part = 64, links_seal_part = 128;
inline constexpr Parts of_list = next_part | previous_part | links_seal_part,
                       of_all = next_slab_part | previous_slab_part | links_seal_part, whole = 255;

/// What an operation may read and write of the slabs: parts of SlabInfos, and one slot.
struct Footprint {
  struct Of {
    std::uintptr_t info;
    Parts parts;
  };
  std::vector<Of> infos;
  std::uintptr_t entry = 0;  // of the slot in the table of slots (Checked), or its first word

  void add(std::uintptr_t info, Parts parts) {
    if (info != 0) infos.push_back({info, parts});
  }
  [[nodiscard]] bool allows(std::uintptr_t info, Parts parts) const {
    for (const Of& of : infos)
      if (of.info == info) parts &= ~of.parts;
    return parts == 0;
  }
};

}  // namespace slabproof
