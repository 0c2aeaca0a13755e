// A buddy heap over 64 KiB. A block has a power of two of bytes, and lies at a multiple of its size.
// Source: Knuth, The Art of Computer Programming, 2.5, algorithms R and S.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <slabproof/subject.hpp>

class Buddy {
  static constexpr std::size_t least = 32, blocks = 2048, orders = 12;
  static_assert(blocks == std::size_t{1} << (orders - 1));

 public:
  static constexpr slabproof::Abilities abilities{
      .sizes = true,
      .usable_size = true,
      .instances = 1,  // its memory is a global
      .accepts = {.most = 8192, .max_align = 4096},
      .align_of = [](std::size_t size) { return std::bit_ceil(std::max(size, least)); },
      .names_globals = true,
  };

  Buddy() {
    std::fill_n(order_, blocks, part_of_another);
    order_[0] = orders - 1;
    std::fill_n(is_live_, blocks, false);
  }
  void* allocate(std::size_t size, std::size_t align) {
    const auto wanted =
        static_cast<std::uint8_t>(std::countr_zero(std::bit_ceil(std::max({size, align, least})) / least));
    std::size_t best = blocks;
    for (std::size_t at = 0; at < blocks; at += std::size_t{1} << order_[at])
      if (!is_live_[at] && order_[at] >= wanted && (best == blocks || order_[at] < order_[best])) best = at;
    if (best == blocks) return nullptr;
    while (order_[best] > wanted) {
      --order_[best];
      order_[best ^ std::size_t{1} << order_[best]] = order_[best];
    }
    is_live_[best] = true;
    return memory_ + best * least;
  }
  void free(void* object) {
    std::size_t at = index_of(object);
    is_live_[at] = false;
    while (order_[at] + 1u < orders) {
      const std::size_t buddy = at ^ std::size_t{1} << order_[at];
      if (is_live_[buddy] || order_[buddy] != order_[at]) return;
      order_[std::max(at, buddy)] = part_of_another;
      ++order_[at = std::min(at, buddy)];
    }
  }
  static std::array<std::span<std::byte>, 3> globals() {
    return {memory_, std::as_writable_bytes(std::span{order_}), std::as_writable_bytes(std::span{is_live_})};
  }
  std::size_t usable_size(void* object) { return least << order_[index_of(object)]; }

 private:
  static constexpr std::uint8_t part_of_another = 0xFF;

  std::size_t index_of(void* object) const {
    return static_cast<std::size_t>(static_cast<std::byte*>(object) - memory_) / least;
  }

  alignas(least* blocks) static inline std::byte memory_[least * blocks];
  static inline std::uint8_t order_[blocks];  // of the block that begins here
  static inline bool is_live_[blocks];
};
SLABPROOF_SUBJECT(Buddy);
