#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "model/judge/invariant.hpp"

#include <slabproof/subject.hpp>

namespace slabproof::hosted {

/// The operating system of one subject: mappings are memory of the harness, which refuses them as a program says, and
/// with them `unmap` and `discard`. Its state lies in the subject, so that it can be explored.
class SimulatedMemory {
 public:
  explicit SimulatedMemory(Memory memory) : memory_{memory} {}

  void* map(std::size_t size) {
    Mapping* const mapping = free_record();
    auto* const begin = mapping ? static_cast<std::byte*>(memory_.take(size, page)) : nullptr;
    if (!begin) return is_refused_ = true, nullptr;
    std::memset(begin, 0, size);
    *mapping = {begin, size, size};
    return begin;
  }
  /// The block goes back to the harness with its last page.
  bool unmap(void* begin, std::size_t size) {
    Mapping* const mapping = mapping_of(begin, size);
    if (!mapping) return note(Invariant::R8), false;
    const bool is_last = size == mapping->left;  // as when a process ends: never refused
    if (!is_last && refuses()) return false;
    mapping->left -= size;
    if (mapping->left != 0) return true;
    memory_.give(mapping->begin);
    *mapping = {};
    return true;
  }
  /// Whether the system would do it. The memory is then zeros.
  bool discard(void* begin, std::size_t size) {
    if (!mapping_of(begin, size)) return note(Invariant::R8), false;
    if (refuses()) return false;
    zero(begin, size);
    return true;
  }

  /// Memory that is no mapping: somebody else's.
  void* take(std::size_t size, std::size_t align) {
    void* const block = memory_.take(size, align);
    refusals_ += !block;
    return block;
  }
  void give(void* block) { memory_.give(block); }
  /// How often that was refused since forget_counts().
  [[nodiscard]] std::size_t refusals() const { return refusals_; }
  void forget_counts() { refusals_ = 0; }

  /// Whether a mapping was refused.
  [[nodiscard]] bool is_refused() const { return is_refused_; }

  /// Something did not hold: the first is what audit() says.
  void note(Invariant invariant) {
    if (failed_ == Invariant::None) failed_ = invariant;
  }
  void require(bool holds, Invariant invariant) {
    if (!holds) note(invariant);
  }
  [[nodiscard]] Invariant failed() const { return failed_; }

 private:
  static constexpr std::size_t page = 4096;
  struct Mapping {
    std::byte* begin;
    std::size_t size, left;  // in bytes; that are mapped still
  };

  /// One request more that a program can refuse.
  bool refuses() {
    void* const token = memory_.take(1, 1);
    if (token) memory_.give(token);
    return !token;
  }
  Mapping* free_record() {
    for (Mapping& mapping : mappings_)
      if (!mapping.begin) return &mapping;
    return nullptr;
  }
  /// That holds these whole pages.
  Mapping* mapping_of(const void* begin, std::size_t size) {
    const auto at = reinterpret_cast<std::uintptr_t>(begin);
    if (at % page != 0 || size == 0) return nullptr;
    for (Mapping& mapping : mappings_)
      if (const std::uintptr_t offset = at - reinterpret_cast<std::uintptr_t>(mapping.begin);
          mapping.begin && offset < mapping.size && size <= mapping.size - offset)
        return &mapping;
    return nullptr;
  }
  // The subject has forbidden it to be touched.
  __attribute__((no_sanitize("address"))) static void zero(void* begin, std::size_t size) {
    auto* const words = static_cast<volatile std::uint64_t*>(begin);
    for (std::size_t i = 0; i < size / sizeof *words; ++i) words[i] = 0;
  }

  Memory memory_;
  Mapping mappings_[4] = {};
  Invariant failed_ = Invariant::None;
  bool is_refused_ = false;
  std::size_t refusals_ = 0;
};

/// What is asked when pages are discarded: whether they are kept. The subject's model.
class DiscardObserver {
 public:
  virtual void discarded(const void* begin, std::size_t size, bool is_done) = 0;

 protected:
  ~DiscardObserver() = default;
};

/// The System of the subject that is being called: slab::hosted's templates take a class of static functions.
struct Simulated {
  static inline SimulatedMemory* memory = nullptr;
  static inline DiscardObserver* observer = nullptr;

  static std::size_t page_size() noexcept { return 4096; }
  static void* map(std::size_t size) noexcept { return memory->map(size); }
  static bool unmap(void* begin, std::size_t size) noexcept { return memory->unmap(begin, size); }
  static bool discard(void* begin, std::size_t size) noexcept {
    const bool is_done = memory->discard(begin, size);
    if (observer) observer->discarded(begin, size, is_done);
    return is_done;
  }
};

}  // namespace slabproof::hosted
