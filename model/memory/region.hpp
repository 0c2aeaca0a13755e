#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/execution/block_places.hpp"
#include "model/memory/place_chooser.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// A part of the arena from which one backend hands out blocks, by its program's rules of placement and reuse. Blocks
/// hold junk, never zeros: random words, or all ones; with an odd seed the end of a reused block, where a SlabInfo was,
/// is as its last user left it. Returned blocks are filled with a pattern and poisoned, so that a later write is found
/// even without a sanitizer (B19).
class Region {
 public:
  Region(std::uintptr_t begin, std::size_t size) : where_{begin, size} {}

  /// Forgets everything. O(bytes touched).
  void reset(const BackendSpec& spec);

  /// `size` bytes aligned to `align` (a power of two), filled with junk; 0 when there is no room.
  [[nodiscard]] std::uintptr_t take(std::size_t size, std::size_t align);
  /// Takes back a block, none of which is poisoned.
  void give(std::uintptr_t block, std::size_t size);

  /// A returned block that has been written to since, or 0. O(returned bytes).
  [[nodiscard]] std::uintptr_t find_written() const;
  /// The same, if it was noticed when a block was handed out again.
  [[nodiscard]] std::uintptr_t written_before_reuse() const { return written_before_reuse_; }
  /// From the first to the last byte handed out so far.
  [[nodiscard]] std::size_t touched_bytes() const { return where_.next() - where_.begin(); }
  /// One past the last address handed out so far: nothing from there on was ever a slab.
  [[nodiscard]] std::uintptr_t untouched() const { return where_.next(); }

 private:
  /// The last words of a block: a SlabInfo.
  using Leftover = std::array<std::uint64_t, 8>;
  struct Block {
    std::uintptr_t begin;
    std::size_t size;
    Leftover leftover{};  // by its last user
  };
  [[nodiscard]] std::uintptr_t take_returned(std::size_t size, std::size_t align, Leftover& leftover);
  [[nodiscard]] std::uintptr_t take_place(std::size_t size);
  [[nodiscard]] std::uintptr_t take_fresh(std::size_t size, std::size_t align);
  [[nodiscard]] static std::uint64_t* end_words(std::uintptr_t block, std::size_t size);

  BlockPlaces where_;
  std::vector<Block> returned_;
  std::size_t held_ = 0;  // blocks handed out and not returned
  std::uintptr_t written_before_reuse_ = 0;

  // While there are places the blocks handed out are these, side by side, which `chooser_` selects among. Blocks of
  // other sizes come from behind them.
  friend class SmallStateAccess;
  friend class SubjectStateAccess;  // properties/explore/subject/state.hpp
  std::uintptr_t begin_of_places_ = 0;
  std::size_t size_of_places_ = 0, places_ = 0;
  PlaceChooser* chooser_ = nullptr;
  std::vector<std::uintptr_t> free_places_;  // of take_place()
};

}  // namespace slabproof
