#include "model/memory/contents.hpp"

#include "model/memory/sanitizer.hpp"

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
constexpr std::uint64_t offset_factor = 0xD1342543DE82EF95u;
constexpr std::uint64_t of_ordinal(std::uint32_t ordinal) { return (ordinal + 1u) * 0x9E3779B97F4A7C15u; }
template <class Integer>
Integer pattern(std::uint32_t ordinal, std::size_t offset) {
  return static_cast<Integer>(of_ordinal(ordinal) ^ offset * offset_factor);
}
template <class Integer>
Integer pattern_at(std::uintptr_t address) {
  const std::uint64_t word = (address >> 3) * 0x9E3779B97F4A7C15u;
  return static_cast<Integer>((word ^ word >> 29 ^ word << 31) >> 8 * (address & 7));
}

/// Calls visit(offset, an integer as large as the unit) for each unit that `look` says until it returns false. An
/// object that is not aligned to words is visited byte by byte.
template <class F>
void for_each_unit(std::uintptr_t object, std::size_t size, F visit, Look look = Look::AtAll) {
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
  if (size <= whole || look == Look::AtAll
          ? !run(0, rest, 8)
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

// Between the bytes that are looked at always, a large object's words are written and read without AddressSanitizer.
struct Bulk {
  std::uintptr_t from;
  std::size_t words;
};
/// None where for_each_unit() visits all anyway.
Bulk bulk_of(std::uintptr_t object, std::size_t size) {
  if (size <= whole || object % alignof(Word) != 0) return {object, 0};
  return {object + end, (size - 2 * end) / 8};
}
constexpr std::uint64_t factor_of_words = 8 * offset_factor;
SLABPROOF_BULK void write_bulk(Bulk bulk, std::uint64_t of_object, std::uint64_t of_offset) {
  for (std::size_t i = 0; i < bulk.words; ++i, of_offset += factor_of_words)
    *reinterpret_cast<Word*>(bulk.from + 8 * i) = of_object ^ of_offset;
}
SLABPROOF_BULK bool is_bulk_intact(Bulk bulk, std::uint64_t of_object, std::uint64_t of_offset) {
  std::uint64_t differences = 0;
  for (std::size_t i = 0; i < bulk.words; ++i, of_offset += factor_of_words)
    differences |= *reinterpret_cast<const Word*>(bulk.from + 8 * i) ^ of_object ^ of_offset;
  return differences == 0;
}

}  // namespace

void stamp(std::uintptr_t object, std::size_t size, std::uint32_t ordinal, Contents contents) {
  if (contents == Contents::ByAddress)
    return for_each_unit(object, size, [=](std::size_t offset, auto integer) {
      unit(object + offset, integer) = pattern_at<decltype(integer)>(object + offset);
      return true;
    });
  write_bulk(bulk_of(object, size), of_ordinal(ordinal), end * offset_factor);
  const auto write = [=](std::size_t offset, auto integer) {
    unit(object + offset, integer) = pattern<decltype(integer)>(ordinal, offset);
    return true;
  };
  for_each_unit(object, size, write, Look::AtSome);
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

std::ptrdiff_t find_damage(std::uintptr_t object, std::size_t size, std::uint32_t ordinal, Contents contents,
                           Look look) {
  std::ptrdiff_t damage = -1;
  if (look == Look::AtAll && contents == Contents::ByOrdinal &&
      is_bulk_intact(bulk_of(object, size), of_ordinal(ordinal), end * offset_factor))
    look = Look::AtSome;
  const auto check = [=, &damage](auto expected) {
    const auto is_intact = [=, &damage](std::size_t offset, auto integer) {
      const bool intact = unit(object + offset, integer) == expected(offset, integer);
      if (!intact) damage = static_cast<std::ptrdiff_t>(offset);
      return intact;
    };
    for_each_unit(object, size, is_intact, look);
  };
  if (contents == Contents::ByAddress)
    check([object](std::size_t offset, auto integer) { return pattern_at<decltype(integer)>(object + offset); });
  else
    check([ordinal](std::size_t offset, auto integer) { return pattern<decltype(integer)>(ordinal, offset); });
  return damage;
}

}  // namespace slabproof
