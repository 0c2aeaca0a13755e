#pragma once

#include <cstddef>

#include <slab/slab_info.hpp>

namespace slab::detail {

/// A freed object that is not among the free slots of its slab yet.
struct FreedObject {
  void* object = nullptr;
  SlabInfo* info = nullptr;  // of its slab
};

/// Freed objects, at most `Capacity`: first in, first out.
template <std::size_t Capacity>
class Quarantine {
 public:
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

  /// Returns the oldest if there was no room: that one leaves. O(1).
  FreedObject push(const FreedObject& freed) noexcept {
    const FreedObject left = size_ == Capacity ? pop() : FreedObject{};
    at(size_++) = freed;
    return left;
  }
  /// The oldest; there must be one. O(1).
  FreedObject pop() noexcept {
    const FreedObject oldest = at(0);
    first_ = first_ + 1 == Capacity ? 0 : first_ + 1;
    --size_;
    return oldest;
  }
  /// Drops the others. O(Capacity).
  template <class F>
  void keep_if(F is_kept) noexcept {
    for (std::size_t left = size_; left > 0; --left) {
      const FreedObject freed = pop();
      if (is_kept(freed)) push(freed);
    }
  }
  /// How many of these objects lie in that slab. O(Capacity).
  [[nodiscard]] std::size_t count_in(const SlabInfo& info) const noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; i < size_; ++i) count += const_cast<Quarantine&>(*this).at(i).info == &info;
    return count;
  }

 private:
  friend Inspector;

  [[nodiscard]] FreedObject& at(std::size_t position) noexcept {
    const std::size_t place = first_ + position;
    return freed_[place < Capacity ? place : place - Capacity];
  }

  FreedObject freed_[Capacity] = {};
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

/// Nothing stays: who is freed leaves at once.
template <>
class Quarantine<0> {
 public:
  [[nodiscard]] static constexpr std::size_t size() noexcept { return 0; }
  static FreedObject push(const FreedObject& freed) noexcept { return freed; }
  static FreedObject pop() noexcept { return {}; }
  template <class F>
  static void keep_if(F) noexcept {}
  [[nodiscard]] static std::size_t count_in(const SlabInfo&) noexcept { return 0; }
};

}  // namespace slab::detail
