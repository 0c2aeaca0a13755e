#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <slab/backend.hpp>
#include <slab/geometry.hpp>

namespace slab {

/// Sizes of 8, 16, …, 64 bytes, then four each time the size doubles: 80, 96, 112, 128, 160, …, without those below
/// `Least`. Above 32 bytes a step is at most a quarter, so less than a fifth of an object is unused; below 64 at most 7
/// bytes are. Each size is a multiple of all powers of two that divide what it was chosen for: rounding up to
/// an alignment is all that an alignment asks for.
template <std::size_t Least, std::size_t Most>
struct QuarterSteps {
  static_assert(std::has_single_bit(Least) && Least >= 8 && Least <= 64, "slab: Least is a power of two from 8 to 64");
  static_assert(std::has_single_bit(Most) && Most >= 64, "slab: Most is a power of two, at least 64");

 private:
  static constexpr std::size_t skipped = Least / 8 - 1;
  static constexpr std::size_t class_in_all(std::size_t bytes) noexcept {
    if (bytes <= 64) return (bytes - 1) / 8;
    const auto doubling = static_cast<std::size_t>(std::bit_width(bytes - 1));  // of (2^(doubling-1), 2^doubling]
    return 4 * (doubling - 5) + ((bytes - 1) >> (doubling - 3)) % 4;
  }

 public:
  /// How many sizes there are.
  static constexpr std::size_t count = class_in_all(Most) + 1 - skipped;
  /// In bytes; `size_class` is below count. O(1).
  [[nodiscard]] static constexpr std::size_t size_of(std::size_t size_class) noexcept {
    const std::size_t in_all = size_class + skipped;
    if (in_all < 8) return 8 * (in_all + 1);
    return (5 + in_all % 4) << (in_all / 4 + 2);
  }
  /// The smallest class with objects of at least `bytes`, 1 to Most. O(1).
  [[nodiscard]] static constexpr std::size_t class_of(std::size_t bytes) noexcept {
    return class_in_all(bytes < Least ? Least : bytes) - skipped;
  }
};

/// The table of SizeClasses if no other is named: 35 sizes from 16 to 8192 bytes, slabs of 8 to 64 KiB in pages of 4
/// KiB, each with room for 7 objects or more, up to 4096 bytes for 15 (SmallMultiPage: any pointer's slab is found by
/// its page).
///
/// A table of your own has these members. Sizes are multiples of 8 and ascend. Where the slabs of all sizes have one
/// page, of any size, the row is SmallSinglePage, which needs no map, and where none has, SmallMultiPage.
struct KernelSizes : QuarterSteps<16, 8192> {
  /// In bytes.
  static constexpr std::size_t page_size = 4096;
  /// Bytes of a slab with objects of `size` bytes: a power of two.
  [[nodiscard]] static constexpr std::size_t slab_size_for(std::size_t size) noexcept {
    const std::size_t slab_size = std::bit_ceil(16 * size);
    return slab_size < 2 * page_size ? 2 * page_size : slab_size > 16 * page_size ? 16 * page_size : slab_size;
  }
  /// Bytes to ask the backend for, for a block of `size` bytes, which no size of the table serves: at least `size`, and
  /// a multiple of page_size; `size` is from 1 to 1 GiB. Powers of two are what any backend has. O(1).
  [[nodiscard]] static constexpr std::size_t block_size_for(std::size_t size) noexcept {
    return std::bit_ceil(size < page_size ? page_size : size);
  }
  /// The same for a backend that has_page_runs; a table without this asks it for block_size_for(size) too. Whole pages,
  /// and at most eight sizes each time the size doubles: an object that grows byte by byte does not move with every
  /// page. O(1).
  [[nodiscard]] static constexpr std::size_t run_size_for(std::size_t size) noexcept {
    const std::size_t eighth = std::bit_floor(size - 1) / 8, step = eighth < page_size ? page_size : eighth;
    return (size + step - 1) & ~(step - 1);
  }
};

namespace detail {
/// The classes of a table by how many steps of 8 bytes an object has: a load where Sizes::class_of() would compute, and
/// jump by size, which no processor foresees. 0 steps are an object of one byte.
template <class Sizes>
struct ClassOfSteps {
  static constexpr std::size_t count = Sizes::size_of(Sizes::count - 1) / 8 + 1;
  std::uint8_t of[count] = {};
  constexpr ClassOfSteps() noexcept {
    for (std::size_t i = 0; i < count; ++i) of[i] = static_cast<std::uint8_t>(Sizes::class_of(i == 0 ? 1 : 8 * i));
  }
};
/// Whether it is small enough to be worth its memory, and a class fits into a byte.
template <class Sizes>
inline constexpr bool has_class_of_steps = Sizes::count <= 256 && Sizes::size_of(Sizes::count - 1) <= 8192;
template <class Sizes>
inline constexpr ClassOfSteps<Sizes> class_of_steps{};

/// The class of objects of `size` bytes, at most the largest size. O(1).
template <class Sizes>
[[nodiscard, gnu::always_inline]] constexpr std::size_t class_of_size(std::size_t size) noexcept {
  if constexpr (has_class_of_steps<Sizes>) {
    const std::size_t size_class = class_of_steps<Sizes>.of[(size + 7) / 8];
    if (size_class >= Sizes::count) __builtin_unreachable();
    return size_class;
  } else {
    return Sizes::class_of(size == 0 ? 1 : size);
  }
}

/// Whether a table has sizes of its own for blocks of a backend that has_page_runs.
template <class Sizes>
concept HasRunSizes = requires(std::size_t size) { Sizes::run_size_for(size); };
/// Bytes to ask `Backend` for, for a block of `size` bytes, 0 being one.
template <class Sizes, class Backend>
[[nodiscard]] constexpr std::size_t block_size(std::size_t size) noexcept {
  const std::size_t bytes = size == 0 ? 1 : size;
  if constexpr (has_page_runs<Backend> && HasRunSizes<Sizes>)
    return Sizes::run_size_for(bytes);
  else
    return Sizes::block_size_for(bytes);
}

/// What all classes of a table ask of the backend.
template <class Sizes>
inline constexpr Row row_of_table =
    Sizes::slab_size_for(Sizes::size_of(0)) == Sizes::page_size ? Row::SmallSinglePage : Row::SmallMultiPage;

/// The layout of a class's slabs. Objects are aligned to the largest power of two that divides their size.
template <class Sizes, class Policy>
constexpr GeometryResult geometry_of_size(std::size_t size) noexcept {
  const std::size_t lowest_bit = size & -size;
  const std::size_t align = lowest_bit < Sizes::page_size ? lowest_bit : Sizes::page_size;
  return Geometry::make<Policy>(Sizes::slab_size_for(size), Sizes::page_size, ObjectSizeType::Small, size, align);
}

/// True, or a compile error that says what is wrong with a table.
template <class Sizes, class Backend, class Policy>
consteval bool require_size_table() {
  constexpr auto is_true_of_all = [](auto is_true) {
    for (std::size_t i = 0; i < Sizes::count; ++i)
      if (!is_true(i)) return false;
    return true;
  };
  constexpr bool ascends = is_true_of_all([](std::size_t i) {
    return Sizes::size_of(i) % 8 == 0 && (i == 0 || Sizes::size_of(i - 1) < Sizes::size_of(i));
  });
  constexpr bool finds_smallest = is_true_of_all([](std::size_t i) {
    const std::size_t size = Sizes::size_of(i), least = i == 0 ? 1 : Sizes::size_of(i - 1) + 1;
    return Sizes::class_of(size) == i && Sizes::class_of(least) == i;
  });
  // Between the borders too, as far as a compiler counts.
  constexpr bool finds_all = [] {
    constexpr std::size_t most = Sizes::size_of(Sizes::count - 1) < 65536 ? Sizes::size_of(Sizes::count - 1) : 65536;
    std::size_t size_class = 0;
    for (std::size_t bytes = 8; bytes <= most; bytes += 8) {
      if (Sizes::size_of(size_class) < bytes) ++size_class;
      if (Sizes::class_of(bytes) != size_class || Sizes::class_of(bytes - 7) != size_class) return false;
    }
    return true;
  }();
  constexpr bool has_blocks = [] {
    if constexpr (row_of_table<Sizes> != Row::SmallSinglePage)
      for (std::size_t bytes = 1; bytes <= Geometry::max_slab_size; bytes += bytes / 2 + 1) {
        const std::size_t size = block_size<Sizes, Backend>(bytes);
        if (size < bytes || size % Sizes::page_size != 0) return false;
      }
    return true;
  }();
  constexpr bool has_slabs = is_true_of_all([](std::size_t i) {
    const GeometryResult made = geometry_of_size<Sizes, Policy>(Sizes::size_of(i));
    return made.ok() && made.value().row() == row_of_table<Sizes>;
  });
  static_assert(Sizes::count > 0, "slab: a table of sizes has at least one");
  static_assert(ascends, "slab: the sizes of a table are multiples of 8, and each is larger than the one before");
  static_assert(finds_smallest && finds_all,
                "slab: class_of(bytes) is not the class with the smallest size of so many bytes");
  static_assert(has_slabs,
                "slab: slab_size_for(size) is a power of two from page_size to 1 GiB in which an object has room, and "
                "for all sizes page_size or for none");
  static_assert(has_blocks,
                "slab: block_size_for(size) is at least size, and a multiple of page_size; so is run_size_for(size)");
  return true;
}
}  // namespace detail

}  // namespace slab
