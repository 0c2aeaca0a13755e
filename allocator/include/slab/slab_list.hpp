#pragma once

#include <cstddef>
#include <type_traits>

#include <slab/seal.hpp>
#include <slab/slab_info.hpp>

namespace slab::detail {

/// A doubly linked list of slabs through two members of SlabInfo, counted. Checked: what is written is sealed.
template <bool Checks, SlabInfo* SlabInfo::* Next, SlabInfo* SlabInfo::* Previous>
class SlabList {
 public:
  [[nodiscard]] constexpr SlabInfo* front() const noexcept { return front_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  /// Whether this is its last slab, null in an empty list, as far as the list knows its other end. O(1).
  [[nodiscard]] bool ends_with(const SlabInfo* info) const noexcept {
    if constexpr (has_back)
      return back_.info == info;
    else
      return true;
  }

  /// O(1).
  void push_front(SlabInfo& info) noexcept {
    set_member<Checks, Previous>(info, nullptr);
    set_member<Checks, Next>(info, front_);
    set_previous(front_, &info);
    front_ = &info;
    ++size_;
  }

  /// `info` must be on this list, and its links be sound. O(1).
  void remove(SlabInfo& info) noexcept {
    set_next(info.*Previous, info.*Next);
    set_previous(info.*Next, info.*Previous);
    set_member<Checks, Next>(info, nullptr);
    set_member<Checks, Previous>(info, nullptr);
    --size_;
  }

  /// Forgets its slabs, whose links are left as they are. O(1).
  void clear() noexcept { front_ = nullptr, size_ = 0, back_.set(nullptr); }

  /// Visits each slab. `visit` may take it off the list. O(size).
  template <class F>
  void for_each(F visit) const {
    for (SlabInfo* info = front_; info;) {
      SlabInfo* const next = info->*Next;
      visit(*info);
      info = next;
    }
  }

 protected:
  friend Inspector;

  /// Of a slab of this list; null stands for its end.
  void set_next(SlabInfo* info, SlabInfo* next) noexcept {
    if (info)
      set_member<Checks, Next>(*info, next);
    else
      front_ = next;
  }
  void set_previous(SlabInfo* info, SlabInfo* previous) noexcept {
    if (info)
      set_member<Checks, Previous>(*info, previous);
    else
      back_.set(previous);
  }

  SlabInfo* front_ = nullptr;
  std::size_t size_ = 0;
  /// Only a list that is repaired has its other end.
  struct Back {
    SlabInfo* info = nullptr;
    void set(SlabInfo* to) noexcept { info = to; }
  };
  struct NoBack {
    static void set(SlabInfo*) noexcept {}
  };
  static constexpr bool has_back = Checks && Next == &SlabInfo::next_slab;
  [[no_unique_address]] std::conditional_t<has_back, Back, NoBack> back_;
};

/// Slabs with something in common; a slab is on one such list or on none.
template <bool Checks>
using StateList = SlabList<Checks, &SlabInfo::next, &SlabInfo::previous>;

/// All slabs of a cache. No link of a damaged SlabInfo is followed: slabs behind it are reached from the other end.
template <bool Checks>
class AllSlabs : public SlabList<Checks, &SlabInfo::next_slab, &SlabInfo::previous_slab> {
 public:
  /// Where damaged slabs begin, seen from the front and from the back: `first` and `last` are damaged, and may be the
  /// same, `before` and `behind` are their sound neighbours. Null: there is none.
  struct Gap {
    SlabInfo *before = nullptr, *first = nullptr, *last = nullptr, *behind = nullptr;
    std::size_t size = 0;  // slabs from `first` to `last`
  };

  /// Visits the slabs that can be reached over sound ones from either end. `visit` may take its slab off the list.
  /// O(size).
  template <class F>
  Gap for_each_sound(std::uint16_t key, F visit) const
    requires(Checks)
  {
    Gap gap{.size = this->size_};
    const auto walk = [&](SlabInfo* info, SlabInfo* SlabInfo::* onward, SlabInfo*& last_sound) {
      while (info && has_sound_links(*info, key)) {
        SlabInfo* const next = info->*onward;
        last_sound = info;
        --gap.size;
        visit(*info);
        info = next;
      }
      return info;
    };
    gap.first = walk(this->front_, &SlabInfo::next_slab, gap.before);
    if (gap.first) gap.last = walk(this->back_.info, &SlabInfo::previous_slab, gap.behind);
    return gap;
  }

  /// Whether sound links lead to more slabs than are counted, as in a circle. O(size).
  [[nodiscard]] bool goes_on(std::uint16_t key) const noexcept
    requires(Checks)
  {
    std::size_t left = this->size_;
    for (const SlabInfo* info = this->front_; info && has_sound_links(*info, key); info = info->next_slab)
      if (left-- == 0) return true;
    return false;
  }

  /// Takes off the list what lies between the sound slabs, as for_each_sound() has found it. O(1).
  void close(const Gap& gap) noexcept
    requires(Checks)
  {
    if (!gap.first) return;
    this->set_next(gap.before, gap.behind);
    this->set_previous(gap.behind, gap.before);
    this->size_ -= gap.size;
  }
};

}  // namespace slab::detail
