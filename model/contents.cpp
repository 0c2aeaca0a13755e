#include "model/contents.hpp"

#include <cstring>

namespace slabproof {
namespace {

constexpr std::size_t whole = 128, end = 64, every = 256;

std::uint64_t pattern(std::uint32_t ordinal, std::size_t offset) {
  return (ordinal + 1u) * 0x9E3779B97F4A7C15u ^ offset * 0xD1342543DE82EF95u;
}

/// Calls visit(offset) for each stamped word until it answers false; the last one may end with the
/// object.
template <class F>
void for_each_word(std::size_t size, F visit) {
  const auto run = [&](std::size_t from, std::size_t to, std::size_t step) {
    for (; from < to; from += step)
      if (!visit(from)) return false;
    return true;
  };
  if (size <= whole)
    run(0, size, 8);
  else
    (void)(run(0, end, 8) && run(every, size - end, every) && run((size - end) & ~std::size_t{7}, size, 8));
}

}  // namespace

void stamp(std::uintptr_t object, std::size_t size, std::uint32_t ordinal) {
  for_each_word(size, [&](std::size_t offset) {
    const std::uint64_t word = pattern(ordinal, offset);
    if (size - offset >= 8)
      std::memcpy(reinterpret_cast<void*>(object + offset), &word, 8);
    else
      std::memcpy(reinterpret_cast<void*>(object + offset), &word, size - offset);
    return true;
  });
}

std::ptrdiff_t find_damage(std::uintptr_t object, std::size_t size, std::uint32_t ordinal) {
  std::ptrdiff_t damage = -1;
  for_each_word(size, [&](std::size_t offset) {
    const std::uint64_t expected = pattern(ordinal, offset);
    std::uint64_t found = expected;
    if (size - offset >= 8)
      std::memcpy(&found, reinterpret_cast<const void*>(object + offset), 8);
    else
      std::memcpy(&found, reinterpret_cast<const void*>(object + offset), size - offset);
    if (found != expected) damage = static_cast<std::ptrdiff_t>(offset);
    return found == expected;
  });
  return damage;
}

}  // namespace slabproof
