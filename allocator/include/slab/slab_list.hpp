#pragma once

#include <cstddef>

#include <slab/slab_info.hpp>

namespace slab::detail {

/// A doubly linked list of slabs through two members of SlabInfo, counted. Every operation is O(1).
template <SlabInfo* SlabInfo::* Next, SlabInfo* SlabInfo::* Previous>
class SlabList {
 public:
  [[nodiscard]] constexpr SlabInfo* front() const noexcept { return front_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

  void push_front(SlabInfo& info) noexcept {
    info.*Previous = nullptr;
    info.*Next = front_;
    if (front_) front_->*Previous = &info;
    front_ = &info;
    ++size_;
  }

  /// `info` must be on this list.
  void remove(SlabInfo& info) noexcept {
    (info.*Previous ? info.*Previous->*Next : front_) = info.*Next;
    if (info.*Next) info.*Next->*Previous = info.*Previous;
    info.*Next = info.*Previous = nullptr;
    --size_;
  }

  template <class F>
  void for_each(F visit) const {
    for (SlabInfo* info = front_; info; info = info->*Next) visit(*info);
  }

 private:
  friend Inspector;

  SlabInfo* front_ = nullptr;
  std::size_t size_ = 0;
};

/// Slabs with something in common; a slab is on one such list or on none.
using StateList = SlabList<&SlabInfo::next, &SlabInfo::previous>;
/// All slabs of a cache.
using AllSlabs = SlabList<&SlabInfo::next_slab, &SlabInfo::previous_slab>;

}  // namespace slab::detail
