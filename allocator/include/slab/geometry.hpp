#pragma once

#include <cstddef>
#include <cstdint>

#if __SIZEOF_POINTER__ != 8
#error \
    "slab: the target is not 64-bit: a SlabInfo of 64 bytes holds six pointers, and slots are found by 128-bit products"
#endif

namespace slab {

/// Where a slab's SlabInfo lives. Small: inside the slab, at its end, which costs slots when objects
/// are large. Large: in memory of its own, from MemoryBackend's alloc_slab_info.
enum class ObjectSizeType : std::uint8_t { Small, Large };

/// The three rows of the table of required MemoryBackend functions (see backend.hpp).
enum class Row : std::uint8_t { SmallSinglePage, SmallMultiPage, Large };

/// Why five numbers are not a geometry. One name for each reason; the first that applies, in this order.
enum class GeometryError : std::uint8_t {
  PageSizeNotPowerOfTwo = 1,
  PageSizeTooSmall,          ///< below min_page_size
  SlabSizeNotPowerOfTwo,
  SlabSizeBelowPageSize,
  SlabSizeTooLarge,          ///< above max_slab_size
  UnknownObjectSizeType,     ///< neither Small nor Large
  ObjectSizeZero,
  ObjectAlignNotPowerOfTwo,
  ObjectAlignAbovePageSize,
  ObjectTooLarge,            ///< not one object fits into a slab (beside its SlabInfo in Small rows)
};

/// The enumerator's name. O(1).
[[nodiscard]] constexpr const char* to_string(GeometryError error) noexcept {
  switch (error) {
    case GeometryError::PageSizeNotPowerOfTwo: return "PageSizeNotPowerOfTwo";
    case GeometryError::PageSizeTooSmall: return "PageSizeTooSmall";
    case GeometryError::SlabSizeNotPowerOfTwo: return "SlabSizeNotPowerOfTwo";
    case GeometryError::SlabSizeBelowPageSize: return "SlabSizeBelowPageSize";
    case GeometryError::SlabSizeTooLarge: return "SlabSizeTooLarge";
    case GeometryError::UnknownObjectSizeType: return "UnknownObjectSizeType";
    case GeometryError::ObjectSizeZero: return "ObjectSizeZero";
    case GeometryError::ObjectAlignNotPowerOfTwo: return "ObjectAlignNotPowerOfTwo";
    case GeometryError::ObjectAlignAbovePageSize: return "ObjectAlignAbovePageSize";
    case GeometryError::ObjectTooLarge: return "ObjectTooLarge";
  }
  return "unknown GeometryError";
}

/// The enumerator's name. O(1).
[[nodiscard]] constexpr const char* to_string(Row row) noexcept {
  switch (row) {
    case Row::SmallSinglePage: return "SmallSinglePage";
    case Row::SmallMultiPage: return "SmallMultiPage";
    case Row::Large: return "Large";
  }
  return "unknown Row";
}

namespace detail {
/// A product of two words.
__extension__ typedef unsigned __int128 DoubleWord;  // __extension__: not ISO C++, says -Wpedantic

// Not std::has_single_bit, for which the compiler may call a function.
constexpr bool is_power_of_two(std::size_t n) noexcept { return n != 0 && (n & (n - 1)) == 0; }

/// What the table of slots says for "no slot"; the largest value of an entry, which is one more, says "live". So this
/// is the most slots that entries of this size, in bytes, can name.
constexpr std::uint32_t no_slot(std::size_t entry_size) noexcept {
  return static_cast<std::uint32_t>((std::uint64_t{1} << 8 * entry_size) - 2);
}
}  // namespace detail

namespace detail {
/// Bytes that a policy adds to each object: behind it, in its slot.
template <class Policy>
inline constexpr std::size_t added_bytes = Policy::red_zone_bytes + (Policy::track_callers ? 2 * sizeof(void*) : 0);
}  // namespace detail

class GeometryResult;

/// The layout of every slab of a cache. Always valid once it exists.
///
///   Small:  | slot 0 | slot 1 | … | slot N-1 | tail waste | table of slots | SlabInfo |
///   Large:  | slot 0 | slot 1 | … | slot N-1 | tail waste |      SlabInfo elsewhere
///
/// Policies that check have a table of slots: one byte a slot up to 254 slots, two up to 65,534, else four.
///
/// A slot is `stride` bytes: the object and what the policy adds to it, padded to its alignment and to 8 bytes (room
/// for a free link, and AddressSanitizer's granule). The fixed part of SlabInfo ends where the slab ends in
/// every Small geometry, so that a SmallSinglePage cache finds the owner of any pointer of a
/// SmallSinglePage slab of its size.
class Geometry {
 public:
  /// In bytes.
  static constexpr std::size_t min_page_size = 64;
  /// The largest page x86_64 has, 1 GiB. Keeps every slot index and count below 2^32.
  static constexpr std::size_t max_slab_size = std::size_t{1} << 30;
  /// Bytes of a SlabInfo without its table of slots.
  static constexpr std::size_t slab_info_header_size = 64;

  /// A geometry for any policy, or the reason why there is none, for any five numbers: with a table of slots, which
  /// an Unchecked cache leaves alone. Sizes and alignment in bytes. O(1): a few divisions; no intermediate value
  /// overflows.
  static constexpr GeometryResult make(std::size_t slab_size, std::size_t page_size, ObjectSizeType type,
                                       std::size_t object_size, std::size_t object_align) noexcept;
  /// The same for caches of this policy: without a table where Policy::checks is false, so that more objects fit, and
  /// with room for Policy::red_zone_bytes and Policy::track_callers.
  template <class Policy>
  static constexpr GeometryResult make(std::size_t slab_size, std::size_t page_size, ObjectSizeType type,
                                       std::size_t object_size, std::size_t object_align) noexcept;

  /// What a cache of this geometry asks of its backend.
  [[nodiscard]] constexpr Row row() const noexcept {
    if (type_ == ObjectSizeType::Large) return Row::Large;
    return slab_size_ == page_size_ ? Row::SmallSinglePage : Row::SmallMultiPage;
  }
  /// In bytes: a power of two.
  [[nodiscard]] constexpr std::size_t slab_size() const noexcept { return slab_size_; }
  /// In bytes: a power of two, at most slab_size().
  [[nodiscard]] constexpr std::size_t page_size() const noexcept { return page_size_; }
  /// In bytes, as given.
  [[nodiscard]] constexpr std::size_t object_size() const noexcept { return object_size_; }
  /// In bytes, as given: a power of two, at most page_size().
  [[nodiscard]] constexpr std::size_t object_align() const noexcept { return object_align_; }
  /// Bytes from one slot to the next: a multiple of 8 and of object_align.
  [[nodiscard]] constexpr std::size_t stride() const noexcept { return stride_; }
  /// At least 1.
  [[nodiscard]] constexpr std::size_t objects_per_slab() const noexcept { return objects_per_slab_; }
  /// Where an offset lies in a slab.
  struct Position {
    std::size_t index;  ///< of the slot
    bool begins_slot;  ///< whether the slot begins there
    /// Whether the slot begins there.
    [[nodiscard]] constexpr bool is_at_slot() const noexcept { return begins_slot; }
  };
  /// offset / stride() for an offset below max_slab_size, by one multiplication instead of a division.
  /// For a larger offset it is at least that, so an offset outside the slab has an index outside it.
  ///
  /// After Granlund and Montgomery, PLDI 1994. With d the stride, the reciprocal is m = ceil(2^64 / d),
  /// so m * d = 2^64 + e with 0 <= e < d. For n = q * d + r, 0 <= r < d, the product n * m / 2^64 is
  /// q + (r + n * e / 2^64) / d. That is never less than n / d, and its floor is q as long as
  /// n * e < 2^64, since r is at most d - 1. Here n < 2^30 and e < d <= 2^30, so n * e < 2^60.
  [[nodiscard]] constexpr std::size_t slot_index(std::size_t offset) const noexcept { return locate(offset).index; }
  /// slot_index(offset), and for an offset below max_slab_size whether a slot begins there. The lower half of the
  /// product tells: with the numbers above it is q * e + r * m, which is less than m if and only if r = 0, because
  /// q * e < 2^30 < m. After Lemire, Kaser and Kurz, Software: Practice and Experience, 2019.
  [[nodiscard]] constexpr Position locate(std::size_t offset) const noexcept {
    const detail::DoubleWord product = detail::DoubleWord{offset} * reciprocal_;
    return {static_cast<std::size_t>(product >> 64), static_cast<std::size_t>(product) < reciprocal_};
  }
  /// Bytes of a slot's entry in the table of slots: 1, 2 or 4; 0 where there is no table.
  [[nodiscard]] constexpr std::size_t entry_size() const noexcept { return entry_size_; }
  /// Bytes of SlabInfo with its table of slots: 64, and entry_size() for each object, rounded up to 8.
  [[nodiscard]] constexpr std::size_t slab_info_size() const noexcept { return slab_info_size_; }
  /// Offset of SlabInfo's first byte in a slab. Small rows only; in Large it is slab_size.
  [[nodiscard]] constexpr std::size_t slab_info_offset() const noexcept {
    return type_ == ObjectSizeType::Large ? slab_size_ : slab_size_ - slab_info_size();
  }

  /// Whether all members are equal.
  friend constexpr bool operator==(const Geometry&, const Geometry&) noexcept = default;

 private:
  friend class GeometryResult;
  constexpr Geometry() noexcept = default;
  static constexpr GeometryResult make_with_table(bool has_table, std::size_t added_bytes, std::size_t slab_size,
                                                  std::size_t page_size, ObjectSizeType type, std::size_t object_size,
                                                  std::size_t object_align) noexcept;
  struct Capacity {
    std::size_t objects, entry_size;
  };
  static constexpr Capacity capacity_of(std::size_t space, std::size_t stride, bool is_table_inside) noexcept;

  std::size_t slab_size_ = 0;
  std::size_t page_size_ = 0;
  std::size_t object_size_ = 0;
  std::size_t object_align_ = 0;
  std::size_t stride_ = 0;
  std::size_t objects_per_slab_ = 0;
  std::size_t reciprocal_ = 0;  // ceil(2^64 / stride_)
  std::size_t entry_size_ = 0;
  std::size_t slab_info_size_ = 0;
  ObjectSizeType type_ = ObjectSizeType::Small;
};

/// What Geometry::make returns.
class GeometryResult {
 public:
  /// Whether there is a geometry.
  [[nodiscard]] constexpr bool ok() const noexcept { return error_ == GeometryError{}; }
  /// The geometry; stops the program unless ok().
  [[nodiscard]] constexpr Geometry value() const noexcept {
    if (!ok()) __builtin_trap();
    return geometry_;
  }
  /// The reason; stops the program if ok().
  [[nodiscard]] constexpr GeometryError error() const noexcept {
    if (ok()) __builtin_trap();
    return error_;
  }

 private:
  friend class Geometry;
  constexpr explicit GeometryResult(GeometryError error) noexcept : error_{error} {}
  constexpr explicit GeometryResult(const Geometry& geometry) noexcept : geometry_{geometry} {}

  Geometry geometry_;
  GeometryError error_{};
};

/// The most slots that fit into `space` bytes, their table too if it is inside, and the size of its entries. The
/// narrowest entries that have values enough: fewer slots than fit may be better than wider entries.
constexpr Geometry::Capacity Geometry::capacity_of(std::size_t space, std::size_t stride,
                                                   bool is_table_inside) noexcept {
  Capacity best{0, 0};
  for (std::size_t entry_size = 1; entry_size <= 4; entry_size *= 2) {
    std::size_t objects = space / stride;
    if (is_table_inside) {
      // Slots come in blocks of as many as share 8 bytes of the table; the last block may be shorter.
      const std::size_t shared = 8 / entry_size, block = shared * stride + 8, rest = space % block;
      objects = space / block * shared + (rest > 8 ? (rest - 8) / stride : 0);
    }
    const std::size_t most = detail::no_slot(entry_size);
    if (objects > most) objects = is_table_inside ? most : 0;
    if (objects > best.objects) best = {objects, entry_size};
  }
  return best;
}

constexpr GeometryResult Geometry::make_with_table(bool has_table, std::size_t added_bytes, std::size_t slab_size,
                                                   std::size_t page_size, ObjectSizeType type, std::size_t object_size,
                                                   std::size_t object_align) noexcept {
  using enum GeometryError;
  if (!detail::is_power_of_two(page_size)) return GeometryResult{PageSizeNotPowerOfTwo};
  if (page_size < min_page_size) return GeometryResult{PageSizeTooSmall};
  if (!detail::is_power_of_two(slab_size)) return GeometryResult{SlabSizeNotPowerOfTwo};
  if (slab_size < page_size) return GeometryResult{SlabSizeBelowPageSize};
  if (slab_size > max_slab_size) return GeometryResult{SlabSizeTooLarge};
  if (type != ObjectSizeType::Small && type != ObjectSizeType::Large) return GeometryResult{UnknownObjectSizeType};
  if (object_size == 0) return GeometryResult{ObjectSizeZero};
  if (!detail::is_power_of_two(object_align)) return GeometryResult{ObjectAlignNotPowerOfTwo};
  if (object_align > page_size) return GeometryResult{ObjectAlignAbovePageSize};
  if (object_size > slab_size) return GeometryResult{ObjectTooLarge};

  // From here every number is at most 2^30, and every sum and product below fits 64 bits.
  const std::size_t slot_align = object_align < 8 ? 8 : object_align;
  const std::size_t stride = (object_size + added_bytes + slot_align - 1) & ~(slot_align - 1);
  const bool is_small = type == ObjectSizeType::Small;
  const std::size_t space = is_small ? slab_size - slab_info_header_size : slab_size;
  const auto [objects, entry_size] = has_table ? capacity_of(space, stride, is_small) : Capacity{space / stride, 0};
  if (objects == 0) return GeometryResult{ObjectTooLarge};

  Geometry geometry;
  geometry.slab_size_ = slab_size;
  geometry.page_size_ = page_size;
  geometry.object_size_ = object_size;
  geometry.object_align_ = object_align;
  geometry.stride_ = stride;
  geometry.objects_per_slab_ = objects;
  geometry.reciprocal_ = SIZE_MAX / stride + 1;  // stride >= 8: no overflow
  geometry.entry_size_ = entry_size;
  geometry.slab_info_size_ = slab_info_header_size + (objects * entry_size + 7) / 8 * 8;
  geometry.type_ = type;
  return GeometryResult{geometry};
}

constexpr GeometryResult Geometry::make(std::size_t slab_size, std::size_t page_size, ObjectSizeType type,
                                        std::size_t object_size, std::size_t object_align) noexcept {
  return make_with_table(true, 0, slab_size, page_size, type, object_size, object_align);
}

template <class Policy>
constexpr GeometryResult Geometry::make(std::size_t slab_size, std::size_t page_size, ObjectSizeType type,
                                        std::size_t object_size, std::size_t object_align) noexcept {
  static_assert(Policy::red_zone_bytes <= max_slab_size, "slab: Policy::red_zone_bytes is more than a slab can have");
  return make_with_table(Policy::checks, detail::added_bytes<Policy>, slab_size, page_size, type, object_size,
                         object_align);
}

}  // namespace slab
