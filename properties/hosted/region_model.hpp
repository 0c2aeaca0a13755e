#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace slabproof::hosted {

/// What a Region of so many pages must do, said plainly: blocks in an array by their first page, and the order in which
/// loose ones came. Slow, exact but for the order of settled blocks, and all in this object.
template <std::size_t Pages>
class RegionModel {
 public:
  static constexpr std::size_t none = ~std::size_t{0};
  enum class State : std::uint8_t { Fresh, Clean, Kept, Live };

  /// The page of the next slab of 2^size_class pages. `given` is where the Region says it is, which decides among
  /// settled blocks; where it may not be, the answer is another. none: there is no room. The slab is live then.
  std::size_t take(unsigned size_class, std::size_t given) {
    std::size_t page = choose(size_class, given);
    if (page == none) page = take_fresh(size_class);
    if (page == none) {
      merge();
      page = choose(size_class, given);
    }
    if (page == none) return none;
    drop_loose(page);
    while (class_[page] > size_class) {
      --class_[page];
      const std::size_t half = page + pages_in(class_[page]);
      class_[half] = class_[page];
      state_[half] = state_[page];
    }
    state_[page] = State::Live;
    return page;
  }

  [[nodiscard]] bool is_live(std::size_t page) const { return page < frontier_ && state_[page] == State::Live; }
  /// The first page of the block that holds this one; none behind the frontier.
  [[nodiscard]] std::size_t block_of(std::size_t page) const {
    for (std::size_t at = 0; at < frontier_; at += pages_in(class_[at]))
      if (page - at < pages_in(class_[at])) return at;
    return none;
  }
  [[nodiscard]] std::size_t pages_at(std::size_t page) const { return pages_in(class_[page]); }
  /// Requires a live slab there.
  void give(std::size_t page) {
    state_[page] = State::Kept;
    loose_[loose_count_++] = static_cast<std::uint16_t>(page);
  }

  /// Whether [page, page + pages) is whole kept blocks. They are clean from then on, where `is_done`.
  bool discard(std::size_t page, std::size_t pages, bool is_done) {
    const std::size_t end = page + pages;
    if (block_of(page) != page || end > frontier_) return false;
    for (std::size_t at = page; at < end; at += pages_in(class_[at]))
      if (state_[at] != State::Kept || at + pages_in(class_[at]) > end) return false;
    if (is_done)
      for (std::size_t at = page; at < end; at += pages_in(class_[at])) state_[at] = State::Clean;
    return true;
  }

  [[nodiscard]] std::size_t pages_of(State state) const {
    std::size_t pages = 0;
    for (std::size_t at = 0; at < frontier_; at += pages_in(class_[at]))
      if (state_[at] == state) pages += pages_in(class_[at]);
    return pages;
  }

  /// Whether there is a run of free pages for a slab, however they came to be free.
  [[nodiscard]] bool has_room(unsigned size_class) const {
    const std::size_t size = pages_in(size_class);
    std::size_t free_from = 0;  // since the last live block
    const auto is_run = [&](std::size_t end) { return (free_from + size - 1) / size * size + size <= end; };
    for (std::size_t at = 0; at < frontier_; at += pages_in(class_[at])) {
      if (state_[at] != State::Live) continue;
      if (is_run(at)) return true;
      free_from = at + pages_in(class_[at]);
    }
    return is_run(Pages);
  }

 private:
  static constexpr std::size_t pages_in(unsigned size_class) { return std::size_t{1} << size_class; }
  [[nodiscard]] bool is_free_block(std::size_t page) const {
    return state_[page] == State::Clean || state_[page] == State::Kept;
  }

  /// Of the smallest free blocks that hold it the loose one that came last, else a settled one.
  [[nodiscard]] std::size_t choose(unsigned size_class, std::size_t given) const {
    unsigned smallest = ~0u;
    for (std::size_t at = 0; at < frontier_; at += pages_in(class_[at]))
      if (is_free_block(at) && class_[at] >= size_class && class_[at] < smallest) smallest = class_[at];
    for (std::size_t i = loose_count_; i-- > 0;)
      if (class_[loose_[i]] == smallest) return loose_[i];
    std::size_t settled = none;
    for (std::size_t at = 0; at < frontier_; at += pages_in(class_[at]))
      if (is_free_block(at) && class_[at] == smallest && (settled == none || at == given)) settled = at;
    return settled;
  }

  [[nodiscard]] std::size_t take_fresh(unsigned size_class) {
    const std::size_t size = pages_in(size_class), page = (frontier_ + size - 1) / size * size;
    if (page + size > Pages) return none;
    move_frontier(page);
    class_[page] = static_cast<std::uint8_t>(size_class);
    state_[page] = State::Clean;
    frontier_ = page + size;
    return page;
  }
  /// The gap becomes loose blocks, each as large as its address and its end allow.
  void move_frontier(std::size_t end) {
    while (frontier_ < end) {
      unsigned size_class = 0;
      while (frontier_ % pages_in(size_class + 1) == 0 && frontier_ + pages_in(size_class + 1) <= end) ++size_class;
      class_[frontier_] = static_cast<std::uint8_t>(size_class);
      state_[frontier_] = State::Clean;
      loose_[loose_count_++] = static_cast<std::uint16_t>(frontier_);
      frontier_ += pages_in(size_class);
    }
  }
  /// No two free halves are left apart.
  void merge() {
    move_frontier(Pages);
    std::memset(loose_, 0, sizeof loose_);
    loose_count_ = 0;
    for (bool has_joined = true; has_joined;) {
      has_joined = false;
      for (std::size_t at = 0; at < frontier_; at += pages_in(class_[at])) {
        const std::size_t other = at + pages_in(class_[at]);
        if (at % pages_in(class_[at] + 1u) != 0 || other >= frontier_) continue;
        if (!is_free_block(at) || !is_free_block(other) || class_[at] != class_[other]) continue;
        if (state_[other] == State::Kept) state_[at] = State::Kept;
        state_[other] = State::Fresh;
        class_[other] = 0;
        ++class_[at];
        has_joined = true;
      }
    }
  }
  void drop_loose(std::size_t page) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < loose_count_; ++i)
      if (loose_[i] != page) loose_[kept++] = loose_[i];
    for (std::size_t i = kept; i < loose_count_; ++i) loose_[i] = 0;
    loose_count_ = kept;
  }

  // Of a block's first page.
  std::uint8_t class_[Pages] = {};
  State state_[Pages] = {};
  std::uint16_t loose_[Pages] = {};  // the oldest first
  std::size_t loose_count_ = 0, frontier_ = 0;
};

}  // namespace slabproof::hosted
