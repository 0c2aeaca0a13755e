#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>

#include "properties/allocator/heap_backend.hpp"
#include "properties/allocator/recorded_reports.hpp"

// Small caches of each row and policy, whose bookkeeping tests damage and whose backend they have err.

namespace properties {

/// Remembers its slabs and the memory of their SlabInfos in the order in which they were handed out, and frees in the
/// end what does not come back.
struct ErringBackend : HeapBackend {
  ~ErringBackend() {
    for (void* const memory : outstanding) std::free(memory);
  }
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    if (at_alloc_slab) at_alloc_slab();
    if (left == 0) {
      if (slab_again) return std::exchange(slab_again, nullptr);
      if (at_refusal) at_refusal();
      return nullptr;
    }
    --left;
    slabs_in_order.push_back(with_image(HeapBackend::alloc_slab(slab_size, page_size), slab_size));
    return *outstanding.insert(slabs_in_order.back()).first;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    if (at_free) at_free(static_cast<std::byte*>(slab) + slab_size - sizeof image);
    ++left;
    outstanding.erase(slab);
    HeapBackend::free_slab(slab, slab_size, page_size);
  }
  void* alloc_slab_info(std::size_t size) noexcept {
    if (info_again) return std::exchange(info_again, nullptr);
    infos_in_order.push_back(with_image(HeapBackend::alloc_slab_info(size), size));
    return *outstanding.insert(infos_in_order.back()).first;
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    if (at_free) at_free(static_cast<std::byte*>(info) + size - sizeof image);
    outstanding.erase(info);
    HeapBackend::free_slab_info(info, size);
  }

  std::vector<std::byte*> slabs_in_order, infos_in_order;
  std::set<void*> outstanding;
  std::size_t left = 100;  // slabs
  void *slab_again = nullptr, *info_again = nullptr;  // handed out by mistake, the slab when none is left
  std::function<void()> at_alloc_slab, at_refusal;
  std::function<void(const std::byte* info)> at_free;  // told the last 64 bytes of what comes back
  std::byte image[sizeof(slab::SlabInfo)] = {};  // what those of new memory hold, if not zeros

 private:
  std::byte* with_image(void* memory, std::size_t size) {
    auto* const bytes = static_cast<std::byte*>(memory);
    if (std::any_of(std::begin(image), std::end(image), [](std::byte byte) { return byte != std::byte{0}; }))
      std::memcpy(bytes + size - sizeof image, image, sizeof image);
    return bytes;
  }
};

/// A Checked policy that has `answer` called with each misuse.
template <class Policy>
struct Answering : Policy {
  static inline std::function<void(const slab::MisuseReport&)> answer;
  static void on_misuse(const slab::MisuseReport& report) noexcept {
    reports.push_back(report);
    if (answer) answer(report);
  }
};

/// A cache with four objects a slab, or one. Slabs and slots have numbers, in the order in which they are handed out.
template <slab::Row R, class Guards, std::size_t Objects = 4>
struct EachRow {
  using Policy = Answering<Guards>;
  static constexpr slab::Row row = R;
  static constexpr std::size_t objects = Objects, slab_size = 512;

  EachRow() { reports.clear(); }
  ~EachRow() {
    Policy::answer = nullptr;
    cache.reset();
  }
  EachRow(const EachRow&) = delete;
  EachRow& operator=(const EachRow&) = delete;

  /// Has on_misuse call it.
  static void answer(std::function<void(const slab::MisuseReport&)> f) { Policy::answer = std::move(f); }

  /// Objects of so many new slabs.
  void fill(std::size_t slabs) {
    for (std::size_t i = 0; i < slabs * objects; ++i) EXPECT_NE(cache->alloc(), nullptr);
  }
  [[nodiscard]] std::byte* at(std::size_t slab, std::size_t slot) const {
    return backend.slabs_in_order[slab] + slot * geometry.stride();
  }
  void free(std::size_t slab, std::size_t slot) { cache->free(at(slab, slot)); }
  /// Frees what lives. Nothing is reported.
  void free_all() {
    const std::size_t before = reports.size();
    std::vector<void*> live;
    cache->for_each_live([&](void* object) { live.push_back(object); });
    for (void* const object : live) cache->free(object);
    EXPECT_EQ(reports.size(), before);
    EXPECT_EQ(cache->statistics().allocated_objects, 0u);
    EXPECT_EQ(cache->find_audit_failure(), slab::AuditFailure::None);
  }

  /// A slab's SlabInfo.
  [[nodiscard]] std::byte* info(std::size_t slab) const {
    return R == slab::Row::Large ? backend.infos_in_order[slab] + geometry.slab_info_size() - sizeof(slab::SlabInfo)
                                 : backend.slabs_in_order[slab] + slab_size - sizeof(slab::SlabInfo);
  }
  /// Its entry in the table of slots.
  [[nodiscard]] std::byte& entry(std::size_t slab, std::size_t slot) const {
    return *(info(slab) + sizeof(slab::SlabInfo) - geometry.slab_info_size() + slot);
  }
  /// What a report names where the backend hands that slab out again.
  [[nodiscard]] std::byte* given(std::size_t slab) const {
    return at(slab, 0) + (R == slab::Row::SmallSinglePage ? geometry.slab_info_offset() : 0);
  }
  void damage_counts(std::size_t slab) const {
    info(slab)[offsetof(slab::detail::TabledSlots, carved)] ^= std::byte{1};
  }
  void damage_owner(std::size_t slab) const { info(slab)[offsetof(slab::SlabInfo, owner) + 1] ^= std::byte{1}; }
  void damage_links(std::size_t slab) const { info(slab)[offsetof(slab::SlabInfo, previous_slab)] ^= std::byte{1}; }

  /// How many objects for_each_live() visits.
  [[nodiscard]] std::size_t visited() const {
    std::size_t objects_seen = 0;
    cache->for_each_live([&](void*) { ++objects_seen; });
    return objects_seen;
  }

  /// There is one report more than were expected before, and that is what it says.
  void expect_report(slab::Misuse kind, const void* pointer) {
    ASSERT_EQ(reports.size(), ++told);
    EXPECT_EQ(reports.back().kind, kind) << to_string(reports.back().kind);
    EXPECT_EQ(reports.back().pointer, pointer);
    EXPECT_EQ(reports.back().cache, &*cache);
    EXPECT_NE(reports.back().caller, nullptr);
  }
  /// It says that a slab was set aside.
  void expect_set_aside(std::size_t slab) {
    expect_report(slab::Misuse::CorruptedSlabInfo, info(slab));
    EXPECT_EQ(cache->statistics().set_aside_slabs, ++set_aside);
    EXPECT_EQ(cache->find_audit_failure(), slab::AuditFailure::None);
  }

  ErringBackend backend;
  slab::Geometry geometry =
      slab::Geometry::make<Policy>(slab_size, R == slab::Row::SmallSinglePage ? slab_size : slab_size / 2,
                                   R == slab::Row::Large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small,
                                   (objects == 1 ? 400 : 104) - slab::detail::added_bytes<Policy>, 8)
          .value();
  std::optional<slab::DynamicCache<R, ErringBackend, Policy>> cache{std::in_place, geometry, backend};
  std::size_t told = 0, set_aside = 0;
};

/// The first slab is partial, with so many objects, and the second is current, with a free slot.
void make_first_partial(auto& world, std::size_t left) {
  world.fill(2);
  world.free(0, 0);
  world.free(1, 0);
  for (std::size_t slot = 1; slot < world.objects - left; ++slot) world.free(0, slot);
}

/// What a slab's table of slots says of a live object, and of the last free slot.
inline constexpr std::byte live_entry{0xFF}, last_entry{0xFE};

/// Guards without a quarantine: what is freed is free at once.
struct Patterned : slab::Checked {
  static constexpr bool verify_pattern = true;
};
/// Two objects wait, and no empty slab stays.
struct Waiting : slab::Checked {
  static constexpr std::size_t quarantine_objects = 2, empty_slabs_kept = 0;
};
/// In a slab of its own, hands 3 out though it waits: 2 is free, and its entry in the table of slots names 3.
void hand_out_what_waits(auto& world) {
  world.fill(1);
  for (const std::size_t slot : {0u, 2u, 3u, 1u}) world.free(0, slot);  // 0 and then 2 leave
  ASSERT_EQ(world.entry(0, 2), std::byte{0});
  world.entry(0, 2) = std::byte{3};
  ASSERT_EQ(world.cache->alloc(), world.at(0, 2));
  ASSERT_EQ(world.cache->alloc(), world.at(0, 3));
}

template <class Policy, std::size_t Objects, class F>
void in_rows_of(const char* policy, F test) {
  const auto run = [&]<class World>(std::in_place_type_t<World>) {
    SCOPED_TRACE(testing::Message() << to_string(World::row) << ", " << policy);
    World world;
    test(world);
  };
  using enum slab::Row;
  run(std::in_place_type<EachRow<SmallSinglePage, Policy, Objects>>);
  run(std::in_place_type<EachRow<SmallMultiPage, Policy, Objects>>);
  run(std::in_place_type<EachRow<Large, Policy, Objects>>);
}
template <class F>
void in_rows_with_quarantine(F test) {
  in_rows_of<Waiting, 4>("with a quarantine", test);
}
/// Calls `test` with a new world of each row, with guards and without.
template <std::size_t Objects = 4, class F>
void in_rows_and_policies(F test) {
  in_rows_of<slab::Checked, Objects>("Checked", test);
  in_rows_of<Patterned, Objects>("with guards", test);
}

}  // namespace properties
