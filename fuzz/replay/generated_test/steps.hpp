#pragma once

#include <map>
#include <string>

#include "fuzz/replay/generated_test/body.hpp"
#include "fuzz/replay/generated_test/expectations.hpp"

namespace slabproof {

/// Writes the operations of a program as calls, each with what is expected of it.
class TestSteps {
 public:
  TestSteps(const TestPlan& plan, TestBody& body) : plan_{plan}, body_{body} {}

  void write();

 private:
  void construct();
  void take(const TestStep& step);
  void reserve(const TestStep& step, std::size_t c);
  void reenter(const Operation& o, std::size_t c);
  void answer(const TestStep& step, const Answered& answer);
  void serve(const Answered& answer, const std::string& cache);
  /// What makes the backend err in this step, and what must then be reported.
  void err(const TestStep& step, std::size_t c);
  void judge_error(const TestStep& step, std::size_t c);
  void corrupt(const TestStep& step, std::size_t c);
  void damage(const TestStep& step, std::size_t c);
  void judge_damage(const TestStep& step, std::size_t c);
  void watch_damaged(const TestStep& step, std::size_t c);
  void check_kept(std::size_t c);
  [[nodiscard]] std::string info_of(std::size_t c, std::uint32_t ordinal) const;
  void allocate(const TestStep& step, std::size_t c);
  void write_astray(const Operation& o, std::size_t c);
  /// Frees an object behind which something was written: in vain, until that is mended.
  void free_written(const TestStep& step, std::size_t c);
  /// Frees everything and destroys the caches, as at the end of every program.
  void finish();
  /// As finish(), with what must hold for every cache.
  void finish_well();
  [[nodiscard]] std::size_t cache_of(const Operation& o) const;
  /// Whether a violation at the end, with so many objects left, is one of a free and not of the destruction.
  [[nodiscard]] bool is_of_free(std::size_t left) const;

  const TestPlan& plan_;
  TestBody& body_;
  TestExpectations expectations_{plan_, body_};
  std::string arguments_[Limits::max_caches];
  std::map<std::uint32_t, std::map<std::size_t, std::uint8_t>> written_behind_;  // objects: what by which offset
};

}  // namespace slabproof
