#include "model/contents.hpp"

#include <cstring>

namespace slabproof {
namespace {

constexpr std::size_t whole = 128, end = 64, every = 256;

std::uint64_t pattern(std::uint32_t ordinal, std::size_t offset) {
  return (ordinal + 1u) * 0x9E3779B97F4A7C15u ^ offset * 0xD1342543DE82EF95u;
}

/// Calls visit(offset, length <= 8) for each stamped piece until it answers false.
template <class F>
void for_each_piece(std::size_t size, F visit) {
  const auto run = [&](std::size_t from, std::size_t to) {
    for (; from < to; from += 8)
      if (!visit(from, to - from < 8 ? to - from : 8)) return false;
    return true;
  };
  if (size <= whole) return void(run(0, size));
  if (!run(0, end)) return;
  for (std::size_t at = every; at + 8 < size - end; at += every)
    if (!visit(at, std::size_t{8})) return;
  run(size - end, size);
}

}  // namespace

void stamp(std::uintptr_t object, std::size_t size, std::uint32_t ordinal) {
  for_each_piece(size, [&](std::size_t offset, std::size_t length) {
    const std::uint64_t word = pattern(ordinal, offset);
    std::memcpy(reinterpret_cast<void*>(object + offset), &word, length);
    return true;
  });
}

std::ptrdiff_t find_damage(std::uintptr_t object, std::size_t size, std::uint32_t ordinal) {
  std::ptrdiff_t damage = -1;
  for_each_piece(size, [&](std::size_t offset, std::size_t length) {
    const std::uint64_t word = pattern(ordinal, offset);
    if (std::memcmp(reinterpret_cast<const void*>(object + offset), &word, length) == 0) return true;
    damage = static_cast<std::ptrdiff_t>(offset);
    return false;
  });
  return damage;
}

}  // namespace slabproof
