#pragma once

#include <cstddef>
#include <cstdint>

#include "model/program/setup.hpp"

namespace slabproof {

/// Where the blocks of a part of the arena lie, by its program's rules of placement and reuse.
class BlockPlaces {
 public:
  BlockPlaces(std::uintptr_t begin, std::size_t size) : begin_{begin}, size_{size}, next_{begin} {}

  void reset(const BackendSpec& spec) {
    spec_ = spec;
    restart_at(begin_);
  }
  /// Fresh blocks lie behind `next`.
  void restart_at(std::uintptr_t next) {
    next_ = next;
    random_state_ = spec_.seed * 0x9E3779B97F4A7C15u + 1;
  }
  /// Which of `count` returned blocks serves again, the one returned first being number 0; `count` if none does.
  /// `suits(number)` says whether one could.
  template <class Suits>
  [[nodiscard]] std::size_t reused(std::size_t count, Suits suits) const {
    if (spec_.reuse == Reuse::Never) return count;
    for (std::size_t i = 0; i < count; ++i)
      if (const std::size_t at = spec_.reuse == Reuse::Lifo ? count - 1 - i : i; suits(at)) return at;
    return count;
  }
  /// A block that nobody had; 0 when there is no room.
  [[nodiscard]] std::uintptr_t fresh(std::size_t size, std::size_t align) {
    std::uintptr_t block = (next_ + align - 1) & ~(align - 1);
    if (spec_.placement == Placement::Scattered) block += random() % 5 * align;
    if (spec_.placement == Placement::BarelyAligned && block / align % 2 == 0) block += align;
    if (size > size_ || block + size > begin_ + size_) return 0;
    next_ = block + size;
    return block;
  }
  /// After each block that is handed out.
  std::uint64_t random() {  // Knuth's MMIX generator
    random_state_ = random_state_ * 6364136223846793005u + 1442695040888963407u;
    return random_state_ >> 33;
  }

  [[nodiscard]] const BackendSpec& spec() const { return spec_; }
  [[nodiscard]] std::uintptr_t begin() const { return begin_; }
  [[nodiscard]] std::uintptr_t next() const { return next_; }
  [[nodiscard]] std::uint64_t random_state() const { return random_state_; }

 private:
  std::uintptr_t begin_;
  std::size_t size_;
  std::uintptr_t next_;
  BackendSpec spec_;
  std::uint64_t random_state_ = 0;
};

}  // namespace slabproof
