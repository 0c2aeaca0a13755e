#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <set>
#include <string>

namespace slabproof {

/// The ordinal of an allocation that the runner makes itself.
constexpr std::uint32_t no_ordinal = ~std::uint32_t{0};
/// As a program names the object.
inline std::string name_of_object(std::uint32_t ordinal) {
  return ordinal == no_ordinal ? "an object" : "#" + std::to_string(ordinal);
}

/// A live object's bytes, [begin, end).
struct LiveRange {
  std::uintptr_t begin, end;
  std::uint32_t ordinal;
  std::uint8_t cache;
  friend bool operator<(const LiveRange& a, const LiveRange& b) { return a.begin < b.begin; }
};

/// The reference allocator: a set of live ranges that admits an allocation when it is disjoint from
/// every other. It never predicts an address. Each operation is O(log live objects).
class Reference {
 public:
  Reference() : live_{&pool_} {}

  /// The live range that `range` overlaps, or null when it was admitted.
  [[nodiscard]] const LiveRange* admit(const LiveRange& range) {
    auto next = live_.lower_bound(range);
    if (next != live_.end() && next->begin < range.end) return &*next;
    if (next != live_.begin() && std::prev(next)->end > range.begin) return &*std::prev(next);
    live_.insert(next, range);
    return nullptr;
  }
  /// Requires a live object at `begin`.
  void retire(std::uintptr_t begin) { live_.erase(LiveRange{begin, begin, 0, 0}); }
  /// The live object that `address` lies in, or null.
  [[nodiscard]] const LiveRange* find(std::uintptr_t address) const {
    auto next = live_.upper_bound(LiveRange{address, address, 0, 0});
    if (next == live_.begin()) return nullptr;
    --next;
    return address < next->end ? &*next : nullptr;
  }
  [[nodiscard]] const std::pmr::set<LiveRange>& live() const { return live_; }
  void reset() {
    live_.clear();
    pool_.release();
  }

 private:
  std::byte buffer_[16384];
  std::pmr::monotonic_buffer_resource pool_{buffer_, sizeof buffer_};
  std::pmr::set<LiveRange> live_;
};

}  // namespace slabproof
