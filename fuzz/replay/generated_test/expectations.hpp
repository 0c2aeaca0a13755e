#pragma once

#include "fuzz/replay/generated_test/body.hpp"

namespace slabproof {

/// Writes what a test expects: where the program fails, that what was violated holds; where it agrees, what a correct
/// cache does in each step.
class TestExpectations {
 public:
  TestExpectations(const TestPlan& plan, TestBody& body) : plan_{plan}, body_{body} {}

  void check_construction();
  /// Before the step: what check() compares with.
  void prepare(const TestStep& step, std::size_t c);
  void check(const TestStep& step, std::size_t c);
  /// The cache's own statements.
  void check_inside(std::size_t c);
  void check_contents(std::uint32_t ordinal, std::size_t c);
  /// Nothing was written to memory that was given back.
  void check_untouched();
  /// How many slabs shrink() gives back.
  [[nodiscard]] std::size_t slabs_to_shrink(std::size_t c) const;
  /// The last call has reported a write once, and what is found there.
  void check_change(const Change& change, slab::Misuse kind, const std::string& pointer);

 private:
  [[nodiscard]] std::size_t empty_slabs(std::size_t c) const { return body_.before.statistics[c].empty_slabs; }
  [[nodiscard]] std::size_t right_slabs(const Operation& o, std::size_t c) const;
  void check_place(const Operation& o, std::size_t c);
  void check_source(const Operation& o, std::size_t c);
  void check_reports(const TestStep& step, std::size_t c);

  const TestPlan& plan_;
  TestBody& body_;
};

}  // namespace slabproof
