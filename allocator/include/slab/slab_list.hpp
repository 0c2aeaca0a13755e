#pragma once

#include <slab/slab_info.hpp>

namespace slab::detail {

/// A doubly linked list of slabs through SlabInfo::next and ::previous. Every operation is O(1).
class SlabList {
 public:
  [[nodiscard]] constexpr SlabInfo* front() const noexcept { return front_; }

  void push_front(SlabInfo& info) noexcept {
    info.previous = nullptr;
    info.next = front_;
    if (front_) front_->previous = &info;
    front_ = &info;
  }

  /// `info` must be on this list.
  void remove(SlabInfo& info) noexcept {
    (info.previous ? info.previous->next : front_) = info.next;
    if (info.next) info.next->previous = info.previous;
    info.next = info.previous = nullptr;
  }

 private:
  friend Inspector;

  SlabInfo* front_ = nullptr;
};

}  // namespace slab::detail
