#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/replay/generated_test/plan.hpp"

namespace slabproof {

/// The body of a test as far as it is written, and what there is at that point.
struct TestBody {
  explicit TestBody(const TestPlan& of) : plan{of}, before{of.recording.before} {}

  const TestPlan& plan;
  std::string text;
  std::vector<std::pair<std::uint32_t, std::size_t>> live;  // ordinal, cache
  std::vector<std::uint32_t> set_aside;                     // of those, what is in slabs that were
  Snapshot before;                                          // the failing operation

  void line(const std::string& code) { text += (code.empty() ? "" : "  ") + code + "\n"; }
  void expect_equal(const std::string& observed, const std::string& expected) {
    line("EXPECT_EQ(" + observed + ", " + expected + ");");
  }
  /// How many objects of a cache live, as it counts.
  [[nodiscard]] std::size_t live_in(std::size_t c) const {
    return static_cast<std::size_t>(std::count_if(live.begin(), live.end(), [&](const auto& object) {
      return object.second == c && std::find(set_aside.begin(), set_aside.end(), object.first) == set_aside.end();
    }));
  }
  [[nodiscard]] bool says(const char* words) const { return text.find(words) != std::string::npos; }
  /// An object, dead or alive, that shows the reader which slab is meant.
  [[nodiscard]] std::string somebody_in(const Snapshot::Slab& slab) const;
  /// The last object at an address that was made before another one.
  [[nodiscard]] std::string somebody_at(std::uintptr_t address, std::uint32_t before_ordinal) const;
  /// What becomes a free slot when an object of the cache is freed: that one, or who leaves the quarantine; 0: nothing.
  [[nodiscard]] std::uintptr_t leaving_after(std::uintptr_t freed, std::size_t c) const;
  /// What a correct cache does when the object is freed at the end of the program.
  void note_freed(std::uint32_t ordinal, std::size_t c);
  /// An object that nothing refers to later needs no name.
  void drop_unused_names();
};

}  // namespace slabproof
