#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "properties/explore/growing_array.hpp"

namespace slabproof {

/// A state that is to be expanded: its index and its key, in words of 8 bytes.
struct FrontierState {
  std::uint32_t index = 0;
  std::size_t words = 0;
  const std::uint64_t* key = nullptr;
};

/// The states at one depth of a breadth-first search, which are expanded, and those found at the next one.
class Frontier {
 public:
  /// With room for so many bytes at each depth.
  explicit Frontier(std::size_t most)
      : here_{std::make_unique<Words>(most / 8, Words::Sharing::Private)},
        next_{std::make_unique<Words>(most / 8, Words::Sharing::Private)} {}

  /// One depth further; false when no state was found there.
  bool descend() {
    std::swap(here_, next_);
    here_size_ = std::exchange(next_size_, std::size_t{0});
    at_ = 0;
    return here_size_ > 0;
  }
  [[nodiscard]] bool done() const { return at_ == here_size_; }
  /// The next state to expand, whose key is valid until descend(). Requires !done().
  FrontierState take() {
    const std::uint64_t head = (*here_)[at_];
    const FrontierState state{static_cast<std::uint32_t>(head >> 32), head & 0xFFFF'FFFF, here_->data() + at_ + 1};
    at_ += 1 + state.words;
    return state;
  }
  /// To be expanded at the next depth.
  void add(std::uint32_t index, const std::uint64_t* key, std::size_t words) {
    std::uint64_t* const end = next_->data() + next_size_;
    end[0] = std::uint64_t{index} << 32 | words;
    std::memcpy(end + 1, key, words * 8);
    next_size_ += 1 + words;
  }
  [[nodiscard]] bool found_more() const { return next_size_ > 0; }
  /// What is still to be expanded, at both depths.
  [[nodiscard]] std::size_t bytes() const { return (here_size_ - at_ + next_size_) * 8; }
  /// What the next depth takes when one more state of so many words is found.
  [[nodiscard]] std::size_t bytes_with(std::size_t words) const { return (next_size_ + 1 + words) * 8; }

 private:
  using Words = GrowingArray<std::uint64_t>;
  std::unique_ptr<Words> here_, next_;
  std::size_t here_size_ = 0, next_size_ = 0, at_ = 0;  // in words
};

}  // namespace slabproof
