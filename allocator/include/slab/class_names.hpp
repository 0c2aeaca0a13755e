#pragma once

#include <cstddef>
#include <utility>

namespace slab::detail {

/// "size-" and a number, at compile time.
struct ClassName {
  char text[5 + 20 + 1] = "size-";
  constexpr explicit ClassName(std::size_t size) noexcept {
    std::size_t digits = 1, end = 5;
    for (std::size_t rest = size; rest >= 10; rest /= 10) ++digits;
    end += digits;
    for (std::size_t at = end; digits > 0; --digits, size /= 10) text[--at] = static_cast<char>('0' + size % 10);
  }
};

template <class Sizes, class Indices>
struct ClassNames;
template <class Sizes, std::size_t... I>
struct ClassNames<Sizes, std::index_sequence<I...>> {
  ClassName of_class[sizeof...(I)] = {ClassName{Sizes::size_of(I)}...};
};

}  // namespace slab::detail
