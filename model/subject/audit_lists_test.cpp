// What audit_test.cpp says, of lists of slabs, and of slabs that overlap.
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include "model/memory/address.hpp"
#include "model/subject/audit_victim.hpp"

namespace slabproof {
namespace {

Slabs without(Slabs slabs, std::size_t at) {
  slabs.erase(slabs.begin() + static_cast<std::ptrdiff_t>(at));
  return slabs;
}
Slabs inserted(Slabs slabs, std::size_t at, Address slab) {
  slabs.insert(slabs.begin() + static_cast<std::ptrdiff_t>(at), slab);
  return slabs;
}

/// Of one of both lists: `set` writes it, `set_other` the other one, which has `others`.
template <class Set, class SetOther>
void damage_list(Victim& victim, const Slabs& list, Set set, const Slabs& others, SetOther set_other,
                 std::size_t CacheMembers::* size) {
  Elsewhere elsewhere;
  for (std::size_t i = 0; i < list.size(); ++i) {
    Slabs slabs = list;
    slabs[i] = victim.copy(list[i], elsewhere.info());
    set(slabs);
    victim.expect(Invariant::L1, "a slab that the cache has not," + number(i));
    victim.change(list[i], [&](SlabInfoMembers& info) { info.previous = i == 0 ? list[1] : 0; });
    victim.expect(Invariant::L2, "previous," + number(i));
    victim.unlink(list[i]);
    set(without(list, i));
    victim.expect(Invariant::L2, "a slab less," + number(i));
    victim.unlink(list[i]);
    set(without(list, i));
    victim.change([&](CacheMembers& cache) { ++(cache.*size); });
    victim.expect(Invariant::L2, "a slab less than counted," + number(i));
  }
  for (std::size_t i = 0; i <= list.size(); ++i) {
    set_other(without(others, 0));
    set(inserted(list, i, others[0]));
    victim.expect(Invariant::L1, "a slab of the other list," + number(i));
  }
  // What is not counted is not looked into.
  set_other(without(others, 0));
  set(inserted(list, list.size(), others[0]));
  victim.change([&](CacheMembers& cache) { --(cache.*size); });
  victim.expect(Invariant::L2, "a slab more than counted");
  victim.change(list.back(), [&](SlabInfoMembers& info) { info.next = list.front(); });
  victim.expect(Invariant::L2, "circle");
  for (const Address full : victim.full) {
    set({full});
    victim.expect(Invariant::L1, "a full slab");
  }
}

TEST(Audit, FindsWhatIsWrongInTheListsOfPartialAndOfEmptySlabs) {
  in_each(all_but_debug, [](Victim& victim) {
    const auto set_partial = [&](const Slabs& slabs) { victim.set_partial(slabs); };
    const auto set_empty = [&](const Slabs& slabs) { victim.set_empty(slabs); };
    damage_list(victim, victim.partial, set_partial, victim.empty, set_empty, &CacheMembers::partial_slabs);
    damage_list(victim, victim.empty, set_empty, victim.partial, set_partial, &CacheMembers::empty_slabs);
    for (const Address full : victim.full) {
      victim.change(full, [&](SlabInfoMembers& info) { info.next = victim.partial[0]; });
      victim.expect(Invariant::L2, "a full slab that leads on");
      victim.change(full, [&](SlabInfoMembers& info) { info.previous = victim.partial[0]; });
      victim.expect(Invariant::L2, "a full slab that leads back");
    }
    // The current slab in the place of the only partial one.
    Slabs all;
    for (const Address at : victim.all)
      if (at != victim.partial[0] && at != victim.partial[1] && at != victim.partial[2]) all.push_back(at);
    victim.set_all(all);
    victim.unlink(victim.partial[3]);
    victim.set_partial({victim.current});
    victim.change([](CacheMembers& cache) { cache.allocated_elsewhere -= 3 * 3; });
    victim.expect(Invariant::L2, "the current slab");
  });
}

TEST(Audit, FindsSlabsThatOverlap) {
  in_each(looking_at_no_contents, [](Victim& victim) {
    constexpr std::size_t size = Victim::slab_size, page = 128;
    if (victim.spec.row() == slab::Row::SmallSinglePage) return;  // two that begin where pages do are one or far apart
    Elsewhere elsewhere;
    const auto place = [&](Address slab, std::size_t begin) {
      if (victim.is_small())
        victim.move(slab, elsewhere.info(begin));
      else
        victim.set_base(slab, elsewhere.info(begin) + header - size);
    };
    for (const Address one : {victim.all[0], victim.all[1]})
      for (const Address other : {victim.all[0], victim.all[1], victim.all.back()})
        for (std::size_t begin = one == other ? 3 * size : 0; begin <= 2 * size; begin += page) {
          const bool meets = begin > 0 && begin < 2 * size;
          if (victim.is_small() && begin == size) continue;  // they would have one SlabInfo
          place(other, size);
          place(one, begin);
          victim.expect(meets ? Invariant::L10 : Invariant::None, "begins at" + number(begin));
        }
  });
}

TEST(Audit, FindsSlabInfosThatOverlap) {
  in_each(looking_at_no_contents, [](Victim& victim) {
    if (victim.is_small()) return;
    constexpr std::size_t size = Victim::slab_size;
    Elsewhere elsewhere;
    const Address memory = address(elsewhere.bytes.data());
    for (const Address one : {victim.all[0], victim.all[1], victim.all.back()}) {
      victim.set_base(victim.move(one, elsewhere.info()), memory);
      victim.expect(Invariant::L10, "with its own slab");
      victim.set_base(victim.move(one, elsewhere.info()), memory + size);
      victim.expect(Invariant::None, "its own slab begins behind it");
      victim.set_base(victim.move(one, memory + size + victim.layout.slab_info_size - header), memory);
      victim.expect(Invariant::None, "its own slab ends in front of it");
      for (const Address other : {victim.all[0], victim.all[1]}) {
        if (one == other) continue;
        victim.move(one, elsewhere.info());
        victim.set_base(other, memory);
        victim.expect(Invariant::L10, "with another slab");
        victim.move(other, elsewhere.info());
        victim.set_base(one, memory);
        victim.expect(Invariant::L10, "with another slab");
      }
    }
    for (const std::size_t first : {0u, 1u})
      for (const std::size_t distance : {header, victim.layout.slab_info_size}) {
        victim.move(victim.all[first], elsewhere.info());
        victim.move(victim.all[1 - first], elsewhere.info() + distance);
        const bool meets = distance < victim.layout.slab_info_size;
        victim.expect(meets ? Invariant::L10 : Invariant::None, "side by side," + number(distance));
      }
  });
}

}  // namespace
}  // namespace slabproof
