#pragma once

#include <cstddef>
#include <cstdint>

#include "examples/kernel/machine/finish.hpp"

namespace kernel {

/// An object of whose words each tells which object it is, so that two that overlap show.
template <std::size_t Size>
struct Stamped {
  std::uint64_t words[Size / 8];

  void stamp(std::uint64_t mark) noexcept {
    for (std::size_t i = 0; i < Size / 8; ++i) words[i] = mark + i;
  }
  /// Its mark; ends the kernel if a word has another one.
  std::uint64_t mark() const noexcept {
    for (std::size_t i = 0; i < Size / 8; ++i)
      require(words[i] == words[0] + i, "object ", static_cast<const void*>(this), " was written to by somebody else");
    return words[0];
  }
  void require_mark(std::uint64_t expected) const noexcept {
    require(mark() == expected, "object ", static_cast<const void*>(this), " is somebody else's");
  }
};

}  // namespace kernel
