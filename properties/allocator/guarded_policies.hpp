#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>

#include "properties/allocator/heap_backend.hpp"
#include "properties/allocator/recorded_reports.hpp"

namespace properties {

/// Recording, with the members of slab::Debug as given.
template <std::size_t RedZoneBytes, bool VerifyPattern, std::size_t QuarantineObjects, slab::Zero ZeroWhen,
          bool TrackCallers, std::size_t EmptySlabsKept = 1>
struct Guarded : Recording {
  static constexpr std::size_t red_zone_bytes = RedZoneBytes;
  static constexpr bool verify_pattern = VerifyPattern;
  static constexpr std::size_t quarantine_objects = QuarantineObjects;
  static constexpr slab::Zero zero = ZeroWhen;
  static constexpr bool track_callers = TrackCallers;
  static constexpr std::size_t empty_slabs_kept = EmptySlabsKept;
};
using OnlyRedZone = Guarded<16, false, 0, slab::Zero::Never, false>;
using OnlyPattern = Guarded<0, true, 0, slab::Zero::Never, false>;
using OnlyQuarantine = Guarded<0, false, 3, slab::Zero::Never, false>;
using OnlyZeroOnAlloc = Guarded<0, false, 0, slab::Zero::OnAlloc, false>;
using OnlyZeroOnFree = Guarded<0, false, 0, slab::Zero::OnFree, false>;
using OnlyCallers = Guarded<0, false, 0, slab::Zero::Never, true>;
using Everything = Guarded<5, true, 3, slab::Zero::OnAlloc, true>;
using EverythingAtOnce = Guarded<5, true, 0, slab::Zero::OnFree, true>;  // without quarantine

/// Behind the tools' back.
__attribute__((no_sanitize("address"), noinline)) inline void write_byte(void* at, std::uint8_t value) {
  *static_cast<volatile std::uint8_t*>(at) = value;
}
__attribute__((no_sanitize("address"), noinline)) inline std::uint8_t read_byte(const void* at) {
  return *static_cast<const volatile std::uint8_t*>(at);
}

/// Bytes of a slot to write to.
struct Written {
  std::size_t offset, size;
};
inline std::vector<Written> writes_of(std::size_t from, std::size_t to) {
  std::vector<Written> result{{from, to - from}};
  for (std::size_t at = from; at < to; ++at) result.push_back({at, 1});
  for (std::size_t at = from; at + 9 <= to; at += 3) result.push_back({at, 9});
  return result;
}

/// Changes each of these bytes, by a value of its own.
inline void change(std::byte* slot, const Written& written) {
  for (std::size_t i = 0; i < written.size; ++i) {
    std::byte* const at = slot + written.offset + i;
    write_byte(at, static_cast<std::uint8_t>(read_byte(at) ^ (1 + i % 255)));
  }
}
/// Remembers where its slabs lie, in the order in which they were handed out.
struct SlabsInOrder : HeapBackend {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    void* const slab = HeapBackend::alloc_slab(slab_size, page_size);
    number[static_cast<std::byte*>(slab)] = made++;
    return slab;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    ++looked_up;
    return HeapBackend::get_slab_info(page_addr);
  }
  /// The slab's number and the offset in it.
  [[nodiscard]] std::pair<std::size_t, std::size_t> place_of(const void* object) const {
    if (!object) return {SIZE_MAX, SIZE_MAX};
    const auto after = number.upper_bound(static_cast<std::byte*>(const_cast<void*>(object)));
    const auto& [slab, its_number] = *std::prev(after);
    return {its_number, static_cast<std::size_t>(static_cast<const std::byte*>(object) - slab)};
  }
  std::map<std::byte*, std::size_t> number;  // a slab that went back and was handed out again has the last one
  std::size_t made = 0, looked_up = 0;
};

/// 60 bytes and no padding at the end of the type; its slot has some.
struct Block {
  std::array<std::uint32_t, 15> words;
};

template <class Policy>
constexpr slab::Geometry made(std::size_t slab_size, slab::ObjectSizeType type, std::size_t object_size,
                              std::size_t align = 8) {
  return slab::Geometry::make<Policy>(slab_size, 4096, type, object_size, align).value();
}

template <class T, slab::Config C, class Backend, class Policy>
Policy policy_of(const slab::Cache<T, C, Backend, Policy>&);
template <slab::Row R, class Backend, class Policy>
Policy policy_of(const slab::DynamicCache<R, Backend, Policy>&);

// Calls f with a cache of each row, or of one.
template <class Policy, class F>
void in_single_page(F f) {
  SlabsInOrder backend;
  f(slab::DynamicCache<slab::Row::SmallSinglePage, SlabsInOrder, Policy>{
      made<Policy>(4096, slab::ObjectSizeType::Small, 60), backend});
  EXPECT_TRUE(backend.has_everything_back());
}
template <class Policy, class F>
void in_large(F f) {
  SlabsInOrder backend;
  f(slab::DynamicCache<slab::Row::Large, SlabsInOrder, Policy>{made<Policy>(4096, slab::ObjectSizeType::Large, 121),
                                                               backend});
  EXPECT_TRUE(backend.has_everything_back());
}
template <class Policy, class F>
void in_each_row(F f) {
  in_single_page<Policy>(f);
  in_large<Policy>(f);
  SlabsInOrder backend;
  f(slab::Cache<Block, slab::Config{.slab_size = 8192}, SlabsInOrder, Policy>{backend});
  EXPECT_TRUE(backend.has_everything_back());
}

}  // namespace properties
