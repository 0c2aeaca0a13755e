#pragma once

#include <cstddef>

namespace slabproof {

/// A value of an enumeration and its name in traces. Its table is the only place of these names.
template <class E>
struct Named {
  E value;
  const char* name;
};

/// The name of a value that `table` has. O(size of the table).
template <class E, std::size_t N>
constexpr const char* name_in(const Named<E> (&table)[N], E value) {
  for (const Named<E>& each : table)
    if (each.value == value) return each.name;
  return "";
}

}  // namespace slabproof
