#include "model/memory/contents.hpp"

namespace slabproof {
namespace {

constexpr std::size_t whole = 128, end = 64, every = 256;

// Read and written in place: a call of memcpy for eight bytes is expensive under ASan.
typedef std::uint64_t __attribute__((may_alias)) Word;
typedef std::uint32_t __attribute__((may_alias)) Half;
typedef std::uint16_t __attribute__((may_alias)) Quarter;
typedef std::uint8_t __attribute__((may_alias)) Byte;
Word& unit(std::uintptr_t at, std::uint64_t) { return *reinterpret_cast<Word*>(at); }
Half& unit(std::uintptr_t at, std::uint32_t) { return *reinterpret_cast<Half*>(at); }
Quarter& unit(std::uintptr_t at, std::uint16_t) { return *reinterpret_cast<Quarter*>(at); }
Byte& unit(std::uintptr_t at, std::uint8_t) { return *reinterpret_cast<Byte*>(at); }

/// What a stamped unit of an object holds, by what its contents follow from.
template <class Integer>
Integer pattern(std::uint32_t ordinal, std::size_t offset) {
  return static_cast<Integer>((ordinal + 1u) * 0x9E3779B97F4A7C15u ^ offset * 0xD1342543DE82EF95u);
}
template <class Integer>
Integer pattern_at(std::uintptr_t address) {
  const std::uint64_t word = (address >> 3) * 0x9E3779B97F4A7C15u;
  return static_cast<Integer>((word ^ word >> 29 ^ word << 31) >> 8 * (address & 7));
}

/// Calls visit(offset, an integer as large as the unit) for each stamped unit until it returns false: of an object
/// larger than `all` those at both ends and some between. One of another pool that is not aligned to words is visited
/// byte by byte.
template <class F>
void for_each_unit(std::uintptr_t object, std::size_t size, F visit, std::size_t all = whole) {
  const auto run = [&](std::size_t from, std::size_t to, std::size_t step) {
    for (; from < to; from += step)
      if (!visit(from, std::uint64_t{})) return false;
    return true;
  };
  if (object % alignof(Word) != 0) {
    for (std::size_t offset = 0; offset < size && visit(offset, std::uint8_t{}); ++offset) {}
    return;
  }
  std::size_t rest = size & ~std::size_t{7};
  if (size <= all ? !run(0, rest, 8)
                  : !(run(0, end, 8) && run(every, size - end, every) && run((size - end) & ~std::size_t{7}, rest, 8)))
    return;
  if (size & 4) {
    if (!visit(rest, std::uint32_t{})) return;
    rest += 4;
  }
  if (size & 2) {
    if (!visit(rest, std::uint16_t{})) return;
    rest += 2;
  }
  if (size & 1) visit(rest, std::uint8_t{});
}

}  // namespace

void stamp(std::uintptr_t object, std::size_t size, std::uint32_t ordinal, Contents contents) {
  if (contents == Contents::ByAddress)
    return for_each_unit(
        object, size,
        [=](std::size_t offset, auto integer) {
          unit(object + offset, integer) = pattern_at<decltype(integer)>(object + offset);
          return true;
        },
        size);
  for_each_unit(object, size, [=](std::size_t offset, auto integer) {
    unit(object + offset, integer) = pattern<decltype(integer)>(ordinal, offset);
    return true;
  });
}

std::ptrdiff_t find_damage_of_moved(std::uintptr_t object, StampedAt before, std::size_t kept, std::uint32_t ordinal,
                                    Contents contents) {
  std::ptrdiff_t damage = -1;
  for_each_unit(before.object, before.size, [=, &damage](std::size_t offset, auto integer) {
    using Integer = decltype(integer);
    const Integer expected = contents == Contents::ByAddress ? pattern_at<Integer>(before.object + offset)
                                                             : pattern<Integer>(ordinal, offset);
    for (std::size_t i = 0; i < sizeof integer && offset + i < kept && damage < 0; ++i)
      if (unit(object + offset + i, std::uint8_t{}) != static_cast<std::uint8_t>(expected >> 8 * i))
        damage = static_cast<std::ptrdiff_t>(offset + i);
    return damage < 0;
  });
  return damage;
}

std::ptrdiff_t find_nonzero(std::uintptr_t object, std::size_t size) {
  for (std::size_t offset = 0; offset < size; ++offset)
    if (unit(object + offset, std::uint8_t{}) != 0) return static_cast<std::ptrdiff_t>(offset);
  return -1;
}

std::ptrdiff_t find_damage(std::uintptr_t object, std::size_t size, std::uint32_t ordinal, Contents contents) {
  std::ptrdiff_t damage = -1;
  const auto check = [=, &damage](auto expected) {
    for_each_unit(object, size, [=, &damage](std::size_t offset, auto integer) {
      const bool intact = unit(object + offset, integer) == expected(offset, integer);
      if (!intact) damage = static_cast<std::ptrdiff_t>(offset);
      return intact;
    });
  };
  if (contents == Contents::ByAddress)
    check([object](std::size_t offset, auto integer) { return pattern_at<decltype(integer)>(object + offset); });
  else
    check([ordinal](std::size_t offset, auto integer) { return pattern<decltype(integer)>(ordinal, offset); });
  return damage;
}

}  // namespace slabproof
