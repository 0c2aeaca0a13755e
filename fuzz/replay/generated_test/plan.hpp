#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "fuzz/replay/recording.hpp"
#include "model/program/layout.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// One operation of a program, as a step of its test.
struct TestStep {
  Operation operation;
  std::size_t index = 0;  // in the program; or none
  bool is_failing = false;

  static constexpr std::size_t no_index = ~std::size_t{0};
};

/// What all parts of a test go by: what the program does, what became of it, and how things are called.
class TestPlan {
 public:
  TestPlan(const Program& of, const Recording& with);

  const Program& program;
  const Setup& setup;
  const Recording& recording;
  const Verdict& verdict;
  const Invariant id;  // of the violated invariant
  const Cause cause;
  const bool agrees;

  // What the program has anywhere.
  bool fails = false, misaligns = false, reenters = false, reserves_everything = false, errs = false;
  bool damages = false, answers = false;
  bool maps_pages = false, has_infos = false;  // a cache that needs the map, or SlabInfos
  bool reports = false;                        // misuse reports are collected
  bool ends = false;                           // a cache is destroyed before the test ends
  bool aligns_to_both = false;                 // slabs are aligned to the pages of both caches
  bool heap = false;  // memory comes from the heap, where the sanitizer sees what was given back

  [[nodiscard]] bool is(std::initializer_list<Invariant> ids) const;
  [[nodiscard]] bool is(Invariant other, Cause because) const { return id == other && cause == because; }
  /// Whether objects hold a value of their own, which nobody else may change.
  [[nodiscard]] bool compares_contents() const { return agrees || id == Invariant::G12; }
  [[nodiscard]] bool is_called_back() const { return reenters || id == Invariant::B16; }
  [[nodiscard]] bool fails_at_start() const { return verdict.operation == StepKind::Phase::Start; }
  /// Whether it fails after the last operation. Every program that agrees ends there, too.
  [[nodiscard]] bool fails_at_end() const { return verdict.operation == StepKind::Phase::End; }
  [[nodiscard]] bool counts_calls() const;
  /// Whether a backend call failed in the failing operation, and that is what it is judged by.
  [[nodiscard]] bool refused() const;
  /// Whether the failing operation is a reserve() that has to answer false.
  [[nodiscard]] bool refuses_reserve() const;
  [[nodiscard]] bool judges_misuse(const TestStep& step) const;
  /// Whether the page of the other cache may be none of this one's: where its slab lies then decides between two
  /// kinds of misuse.
  [[nodiscard]] bool has_pages_of_two_sizes(const Operation& o) const;
  [[nodiscard]] static bool is_misuse(const Operation& o);
  /// What the backend gets wrong in a step; null if nothing.
  [[nodiscard]] const ErrorOfBackend* error_in(const TestStep& step) const;
  /// The call from on_misuse in a step; null if there is none.
  [[nodiscard]] const Answered* answer_in(const TestStep& step) const;
  [[nodiscard]] bool judges_error(const TestStep& step) const {
    return error_in(step) && (agrees || (step.is_failing && id == Invariant::M13));
  }

  /// The operation that has done the damage which the cache finds in this step, or must find; null if there is none.
  [[nodiscard]] const Operation* found_in(const TestStep& step, std::size_t c) const;
  [[nodiscard]] bool judges_damage(const TestStep& step, std::size_t c) const {
    return found_in(step, c) && (agrees || (step.is_failing && id == Invariant::M14));
  }
  /// The last operation before a step that has damaged a slab of the cache; null if there is none.
  [[nodiscard]] const Operation* damaged_before(const TestStep& step, std::size_t c) const;

  // Names and small expressions.
  [[nodiscard]] std::string backend_name(std::size_t b) const;
  [[nodiscard]] std::string backend_of(std::size_t c) const { return backend_name(setup.caches[c].backend); }
  [[nodiscard]] std::string suffix(std::size_t c) const;
  [[nodiscard]] std::string cache_name(std::size_t c) const { return "cache" + suffix(c); }
  [[nodiscard]] std::string cache(std::size_t c) const { return cache_name(c) + (ends ? "->" : "."); }
  [[nodiscard]] static std::string object(std::uint32_t ordinal);
  /// What a test calls the SlabInfo that such an operation damages.
  [[nodiscard]] std::string info(const Operation& damage) const;
  [[nodiscard]] std::string type_of(std::size_t c) const;
  /// A pointer as an argument for free() of the cache.
  [[nodiscard]] std::string given(std::size_t c, const std::string& pointer) const;
  /// A pointer that is no object of its own: near an object, or where nothing is.
  [[nodiscard]] std::string stray(std::size_t step) const;
  [[nodiscard]] Layout layout(std::size_t c) const;

  // Memory.
  [[nodiscard]] std::size_t largest_block() const;
  /// Enough for the program, and for a cache that takes more than it should.
  [[nodiscard]] std::size_t memory_size() const;

  // Policies.
  /// The test continues after the failing expectation, so no misuse may end it.
  [[nodiscard]] bool handles_misuse(const CacheSpec& spec) const {
    return spec.checks && (reports || verdict.kind == Verdict::Kind::Violated);
  }
  [[nodiscard]] bool needs_policy(const CacheSpec& spec) const {
    return handles_misuse(spec) || spec.empty_slabs_kept != 1 || spec.guards != Guards::None;
  }
  [[nodiscard]] std::string policy_name(const CacheSpec& spec) const;

 private:
  [[nodiscard]] bool shares_slabs_of_two_alignments() const;
};

/// As they stand in C++.
std::string number(std::size_t value);
std::string hex(std::uintptr_t value);

}  // namespace slabproof
