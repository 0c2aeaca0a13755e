#include <array>
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include <slab/slot_guard.hpp>

// The bytes of red zones and of freed slots: of any length, wherever they begin.

namespace {

using slab::detail::fill_bytes;
using slab::detail::find_other;

/// Calls `f`. On x86-64 an access to memory meanwhile that is not aligned ends the program.
template <class F>
void with_aligned_accesses(F f) {
#if defined(__x86_64__)
  constexpr unsigned long long check_alignment = 1 << 18;
  const unsigned long long flags = __builtin_ia32_readeflags_u64();
  __builtin_ia32_writeeflags_u64(flags | check_alignment);
  f();
  __builtin_ia32_writeeflags_u64(flags);
#else
  f();
#endif
}

constexpr std::size_t most = 40, around = 24, places = 8 * 9;  // with each remainder of 8, and of 7 and of 9
struct Bytes {
  alignas(8) std::array<std::byte, most + places + 2 * around> bytes{};
  std::byte* begin;
  std::byte* end;

  /// `size` bytes, of which the first lies that far behind an aligned one, among others of this value.
  Bytes(std::size_t misaligned, std::size_t size, std::uint8_t others)
      : begin{bytes.data() + 8 + misaligned}, end{begin + size} {
    bytes.fill(std::byte{others});
  }
};

template <class F>
void for_each_place(F f) {
  for (std::size_t misaligned = 0; misaligned < places; ++misaligned)
    for (std::size_t size = 0; size <= most; ++size) {
      SCOPED_TRACE(testing::Message() << size << " bytes from " << misaligned);
      f(misaligned, size);
      if (testing::Test::HasFailure()) return;
    }
}

TEST(GuardBytes, AreWrittenAndNoOthers) {
  for_each_place([](std::size_t misaligned, std::size_t size) {
    Bytes of{misaligned, size, 0x11};
    with_aligned_accesses([&] { fill_bytes(of.begin, of.end, 0xF5); });
    for (const std::byte& byte : of.bytes)
      ASSERT_EQ(byte, &byte >= of.begin && &byte < of.end ? std::byte{0xF5} : std::byte{0x11}) << &byte - of.begin;
  });
}

TEST(GuardBytes, AreLookedAtAndNoOthers) {
  for_each_place([](std::size_t misaligned, std::size_t size) {
    Bytes of{misaligned, size, 0xBD};
    const std::byte* found = nullptr;
    for (std::byte* other = of.begin; other <= of.end; ++other) {
      *other ^= std::byte{1};  // at last the first one behind them, which is none of them
      with_aligned_accesses([&] { found = find_other(of.begin, of.end, 0xBD); });
      ASSERT_EQ(found, other);
      *other ^= std::byte{1};
    }
    with_aligned_accesses([&] { found = find_other(of.begin, of.end, 0xBD); });
    ASSERT_EQ(found, of.end);
  });
}

}  // namespace
