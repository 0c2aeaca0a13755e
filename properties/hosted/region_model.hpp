#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace slabproof::hosted {

/// What a Region of so many pages must do, said plainly: blocks in an array by their first page, which of them are
/// spare, and the order in which loose ones came. Slow, exact but for the order of settled blocks, and all in this
/// object. A slab that is out is one block, of any number of pages; those that are free have powers of two.
template <std::size_t Pages>
class RegionModel {
 public:
  static constexpr std::size_t none = ~std::size_t{0};
  enum class State : std::uint8_t { Fresh, Clean, Kept, Live };

  /// The page of the next slab of so many pages. `given` is where the Region says it is, which decides among settled
  /// blocks; where it may not be, the answer is another. none: there is no room. The slab is live then.
  std::size_t take(std::size_t pages, std::size_t given) {
    const std::size_t size = std::bit_ceil(pages);
    std::size_t page = choose(size, given);
    if (page == none) page = take_fresh(size);
    if (page == none) {
      merge();
      page = choose(size, given);
    }
    if (page == none) return none;
    drop_loose(page);
    const State state = state_[page];
    for (std::size_t half = pages_[page]; half > size;) half /= 2, put(page + half, half, state);
    put(page, pages, State::Live);
    tile(page + pages, page + size, [&](std::size_t at, std::size_t rest) {
      put(at, rest, state);
      is_spare_[at] = true;
    });
    return page;
  }

  [[nodiscard]] bool is_live(std::size_t page) const { return page < frontier_ && state_[page] == State::Live; }
  /// The first page of the block that holds this one; none behind the frontier.
  [[nodiscard]] std::size_t block_of(std::size_t page) const {
    for (std::size_t at = 0; at < frontier_; at += pages_[at])
      if (page - at < pages_[at]) return at;
    return none;
  }
  [[nodiscard]] std::size_t pages_at(std::size_t page) const { return pages_[page]; }
  /// Requires a live slab there. Its pieces are joined with what is free of the block that it was cut from.
  void give(std::size_t page) {
    const std::size_t end = page + pages_[page], size = std::bit_ceil(end - page);
    tile(page, end, [&](std::size_t at, std::size_t piece) { put(at, piece, State::Kept); });
    for (std::size_t at = page; at < end; at += pages_[at]) {
      while (pages_[at] < size && is_joinable(at)) at = join(at);
      loose_[loose_count_++] = static_cast<std::uint16_t>(at);
    }
  }

  /// Whether [page, page + pages) is whole kept blocks. They are clean from then on, where `is_done`.
  bool discard(std::size_t page, std::size_t pages, bool is_done) {
    const std::size_t end = page + pages;
    if (block_of(page) != page || end > frontier_) return false;
    for (std::size_t at = page; at < end; at += pages_[at])
      if (state_[at] != State::Kept || at + pages_[at] > end) return false;
    if (is_done)
      for (std::size_t at = page; at < end; at += pages_[at]) state_[at] = State::Clean;
    return true;
  }

  [[nodiscard]] std::size_t pages_of(State state) const {
    std::size_t pages = 0;
    for (std::size_t at = 0; at < frontier_; at += pages_[at])
      if (state_[at] == state) pages += pages_[at];
    return pages;
  }

  /// Whether there is an aligned run of free pages for a slab, however they came to be free.
  [[nodiscard]] bool has_room(std::size_t pages) const {
    const std::size_t size = std::bit_ceil(pages);
    std::size_t free_from = 0;  // since the last live block
    const auto is_run = [&](std::size_t end) { return (free_from + size - 1) / size * size + size <= end; };
    for (std::size_t at = 0; at < frontier_; at += pages_[at]) {
      if (state_[at] != State::Live) continue;
      if (is_run(at)) return true;
      free_from = at + pages_[at];
    }
    return is_run(Pages);
  }

 private:
  [[nodiscard]] bool is_free_block(std::size_t page) const {
    return state_[page] == State::Clean || state_[page] == State::Kept;
  }
  [[nodiscard]] bool may_serve(std::size_t page) const { return is_free_block(page) && !is_spare_[page]; }
  void put(std::size_t page, std::size_t pages, State state) {
    pages_[page] = static_cast<std::uint16_t>(pages);
    state_[page] = state;
    is_spare_[page] = false;
  }
  /// Goes through [begin, end) by powers of two of pages, each as large as its address and the end allow.
  template <class F>
  static void tile(std::size_t begin, std::size_t end, F each) {
    for (std::size_t size; begin < end; begin += size) {
      for (size = 1; begin % (2 * size) == 0 && begin + 2 * size <= end;) size *= 2;
      each(begin, size);
    }
  }

  /// Of the smallest free blocks that hold it the loose one that came last, else a settled one.
  [[nodiscard]] std::size_t choose(std::size_t size, std::size_t given) const {
    std::size_t smallest = none;
    for (std::size_t at = 0; at < frontier_; at += pages_[at])
      if (may_serve(at) && pages_[at] >= size) smallest = std::min<std::size_t>(smallest, pages_[at]);
    for (std::size_t i = loose_count_; i-- > 0;)
      if (pages_[loose_[i]] == smallest) return loose_[i];
    std::size_t settled = none;
    for (std::size_t at = 0; at < frontier_; at += pages_[at])
      if (may_serve(at) && pages_[at] == smallest && (settled == none || at == given)) settled = at;
    return settled;
  }

  [[nodiscard]] std::size_t take_fresh(std::size_t size) {
    const std::size_t page = (frontier_ + size - 1) / size * size;
    if (page + size > Pages) return none;
    move_frontier(page);
    put(page, size, State::Clean);
    frontier_ = page + size;
    return page;
  }
  /// The gap becomes loose blocks.
  void move_frontier(std::size_t end) {
    tile(frontier_, end, [this](std::size_t at, std::size_t size) {
      put(at, size, State::Clean);
      loose_[loose_count_++] = static_cast<std::uint16_t>(at);
    });
    frontier_ = std::max(frontier_, end);
  }

  /// Whether a free block's other half is one too.
  [[nodiscard]] bool is_joinable(std::size_t page) const {
    const std::size_t other = page ^ pages_[page];
    return other < frontier_ && is_free_block(page) && is_free_block(other) && pages_[other] == pages_[page];
  }
  /// The block of both halves, which is not loose.
  std::size_t join(std::size_t half) {
    const std::size_t other = half ^ pages_[half], page = std::min(half, other);
    drop_loose(half);
    drop_loose(other);
    const State state = std::max(state_[half], state_[other]);
    put(std::max(half, other), 0, State::Fresh);
    put(page, 2 * pages_[page], state);
    return page;
  }
  /// No two free halves are left apart, and no block loose or spare.
  void merge() {
    move_frontier(Pages);
    while (loose_count_ > 0) drop_loose(loose_[0]);
    for (bool& is_spare : is_spare_) is_spare = false;
    for (bool has_joined = true; has_joined;) {
      has_joined = false;
      for (std::size_t at = 0; at < frontier_; at += pages_[at])
        for (; is_joinable(at); has_joined = true) at = join(at);
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
  std::uint16_t pages_[Pages] = {};
  State state_[Pages] = {};
  bool is_spare_[Pages] = {};
  std::uint16_t loose_[Pages] = {};  // the oldest first
  std::size_t loose_count_ = 0, frontier_ = 0;
};

}  // namespace slabproof::hosted
