// The cache's audit() finds each kind of damage in each row, under each policy and in every place where it can be, and
// calls it by its name. Each damage here is such that one clause of the audit alone finds it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/memory/address.hpp"
#include "model/program/policy_kind.hpp"
#include "model/subject/audit_victim.hpp"

namespace slabproof {
namespace {

TEST(Audit, FindsNothingInACacheAsItWasMade) {
  in_each(all_but_debug, [](Victim& victim) {
    ASSERT_EQ(victim.all.size(), 10u);
    ASSERT_EQ(victim.partial.size(), 4u);
    ASSERT_EQ(victim.empty.size(), 3u);
    ASSERT_EQ(victim.members().slots.used, 3u);
    ASSERT_EQ(victim.slots(victim.full[0]).used, 5u);
    ASSERT_EQ(victim.slots(victim.full[1]).used, 5u);
    ASSERT_EQ(victim.slots(victim.partial[3]).carved, 3u);
    for (const Address at : victim.partial) ASSERT_EQ(victim.slots(at).used, 3u);
  });
}

TEST(Audit, FindsASlabInfoThatTheCacheHasNotWritten) {
  in_each(checking, [](Victim& victim) {
    for (std::size_t i = 0; i < victim.all.size(); ++i)
      for (std::size_t byte = 0; byte < header; ++byte) {
        const Address at = victim.all[i];
        if (at == victim.current && byte < offsetof(slab::detail::SealedSlots, links_seal)) continue;
        victim.set_byte(at + byte, byte_at(at + byte) ^ 1);
        victim.expect(Invariant::L9, "slab" + number(i) + ", byte" + number(byte));
      }
  });
}

TEST(Audit, FindsWrongLinksOfAllSlabs) {
  in_each(all_but_debug, [](Victim& victim) {
    for (std::size_t i = 0; i < victim.all.size(); ++i) {
      victim.change(victim.all.back(), [&](SlabInfoMembers& info) { info.next_slab = victim.all[i]; });
      victim.expect(Invariant::L2, "the last one leads to" + number(i));
      victim.change(victim.all[i], [&](SlabInfoMembers& info) { info.previous_slab = i == 0 ? victim.all[1] : 0; });
      victim.expect(Invariant::L2, "the one in front of" + number(i));
      if (!victim.checks || i + 1 == victim.all.size()) continue;
      victim.change([&](CacheMembers& cache) { cache.all_back = victim.all[i]; });
      victim.expect(Invariant::L2, "the cache says that it ends with" + number(i));
    }
  });
}

TEST(Audit, FindsWrongCounts) {
  in_each(all_but_debug, [](Victim& victim) {
    victim.change([](CacheMembers& cache) { ++cache.slabs; });
    victim.expect(Invariant::L2, "a slab too many");
    // A slab that is not counted is not looked into.
    victim.change([](CacheMembers& cache) { --cache.slabs; });
    victim.change(victim.all.back(), [](SlabInfoMembers& info) { info.owner ^= 8; });
    victim.expect(Invariant::L2, "a slab too few");
    for (const std::size_t by : {std::size_t{1}, SIZE_MAX}) {
      victim.change([&](CacheMembers& cache) { cache.allocated_elsewhere += by; });
      victim.expect(Invariant::L2, "allocated objects");
    }
    victim.change([](CacheMembers& cache) { cache.kept_slabs = 0; });
    victim.expect(Invariant::L6, "empty slabs that stay");
    if (victim.guards.quarantine_objects == 0) return;
    // The object that was freed last lives, and in its place something waits that is in none of the slabs.
    GuardMembers guards = victim.subject().guard_members();
    ASSERT_EQ(guards.size, 2u);
    GuardMembers::Freed& freed = guards.ring[(guards.first + 1) % 2];
    victim.set_byte(victim.table(freed.info) + 1, 0xFF);
    freed.info = 0;
    victim.subject().set_guard_members(guards);
    victim.expect(Invariant::L3, "quarantine");
  });
}

TEST(Audit, FindsWhatIsNotSoOfTheCurrentSlab) {
  in_each(all_but_debug, [](Victim& victim) {
    for (const Address slab : {Address{1} << 63, victim.members().slab + victim.spec.page_size}) {
      victim.change([&](CacheMembers& cache) { cache.slab = slab; });
      victim.expect(Invariant::L8, "its base");
    }
    victim.change(victim.current, [&](SlabInfoMembers& info) { info.next = victim.full[0]; });
    victim.expect(Invariant::L2, "next");
    victim.change(victim.current, [&](SlabInfoMembers& info) { info.previous = victim.full[0]; });
    victim.expect(Invariant::L2, "previous");
    for (const Address table : {Address{0}, victim.members().table + 8})
      if (victim.checks) {
        victim.change([&](CacheMembers& cache) { cache.table = table; });
        victim.expect(Invariant::L8, "its table");
      }
    // The same slab once more, of which the cache knows nothing; the other one is partial, though on no list.
    Elsewhere elsewhere;
    const Address other = victim.copy(victim.current, elsewhere.info());
    victim.change(victim.current, [&](SlabInfoMembers& info) { info.slots = victim.members().slots; });
    victim.change([&](CacheMembers& cache) {
      cache.slab_info = other, cache.slab = victim.info(other).slab, cache.allocated_elsewhere += cache.slots.used;
      if (victim.checks) cache.table = victim.table(other);
    });
    victim.expect(Invariant::L2, "it is none of the cache");
  });
}

TEST(Audit, FindsThatThereIsNoCurrentSlabAndYetSomethingOfIt) {
  for (const auto row : {slab::Row::SmallSinglePage, slab::Row::SmallMultiPage, slab::Row::Large})
    for (const Named<PolicyKind>& policy : policy_kinds) {
      SCOPED_TRACE(std::string{slab::to_string(row)} + ", " + policy.name);
      Victim victim{row, policy.value};
      victim.expect(Invariant::None, "as it was made");
      victim.change([](CacheMembers& cache) { cache.slab = 0; });
      victim.expect(Invariant::L8, "base");
      if (policy.value.checks) {
        victim.change([&](CacheMembers& cache) { cache.table = 8; });
        victim.expect(Invariant::L8, "table");
      }
      victim.change([](CacheMembers& cache) { cache.slots.free_head = 0x10; });
      victim.expect(Invariant::L3, "free slots");
      victim.change([](CacheMembers& cache) { --cache.slots.used; });
      victim.expect(Invariant::L3, "used slots");
      victim.change([](CacheMembers& cache) { ++cache.slots.carved; });
      victim.expect(Invariant::L3, "carved slots");
      if (testing::Test::HasFailure()) return;
    }
}

TEST(Audit, FindsASlabOfAnotherCacheOrElsewhere) {
  in_each(all_but_debug, [](Victim& victim) {
    for (std::size_t i = 0; i < victim.all.size(); ++i) {
      const Address at = victim.all[i], base = victim.info(at).slab;
      victim.change(at, [](SlabInfoMembers& info) { info.owner ^= 8; });
      victim.expect(Invariant::L8, "owner of" + number(i));
      victim.set_base(at, 0);
      victim.expect(Invariant::L8, "null as base of" + number(i));
      for (std::size_t by = 1; by < victim.spec.page_size; by *= 2) {
        victim.set_base(at, base + by);
        victim.expect(Invariant::L8, "base of" + number(i) + " +" + number(by));
      }
      if (!victim.is_small()) continue;
      victim.set_base(at, base - victim.spec.page_size);
      victim.expect(Invariant::L8, "another page as base of" + number(i));
    }
  });
}

/// Slabs with two free slots or, the last one, five.
Slabs with_free_slots(const Victim& victim) {
  return {victim.partial[0], victim.partial[1], victim.partial[2], victim.current, victim.empty[2]};
}

TEST(Audit, FindsWhatIsWrongInATableOfSlots) {
  in_each(checking, [](Victim& victim) {
    constexpr std::uint8_t live = 0xFF, none = 0xFE;
    for (const Address at : with_free_slots(victim)) {
      SCOPED_TRACE(victim.info(at).slab);
      const Address table = victim.table(at);
      const auto first = static_cast<std::uint8_t>(victim.slots(at).free_head), second = byte_at(table + first);
      std::uint8_t last = first, in_use = 0;
      while (byte_at(table + last) != none) last = byte_at(table + last);
      while (in_use < Victim::objects && byte_at(table + in_use) != live) ++in_use;
      for (const std::uint8_t wrong : {first, std::uint8_t{Victim::objects}, std::uint8_t{200}, live}) {
        victim.set_byte(table + last, wrong);
        victim.expect(Invariant::L3, "the last free slot names" + number(wrong));
      }
      for (const std::uint8_t head : {second, none}) {
        victim.change_slots(at, [&](SlotsMembers& slots) { slots.free_head = head; });
        victim.expect(Invariant::L3, "a free slot less");
      }
      for (const std::uint8_t wrong : {first, none})
        if (in_use < Victim::objects) {
          victim.set_byte(table + in_use, wrong);
          victim.expect(Invariant::L3, "a live object looks free");
        }
    }
    // Of a slab without free slots one object less is used, which is lost, and a slot never used is free in its place.
    const Address at = victim.partial[3], table = victim.table(at);
    victim.set_byte(table, none);
    victim.set_byte(table + 3, none);
    victim.change_slots(at, [](SlotsMembers& slots) { --slots.used, slots.free_head = 3; });
    victim.change([](CacheMembers& cache) { --cache.allocated_elsewhere; });
    victim.expect(Invariant::L3, "a free slot that was never used");
    // Entries of other slots mean nothing.
    for (const Address slab : victim.all)
      for (const std::uint8_t entry : {live, none, std::uint8_t{0}}) {
        victim.set_byte(victim.table(slab) + victim.slots(slab).carved, entry);
        victim.expect(Invariant::None, "entry of a slot never used");
      }
    for (const Address full : victim.full)
      for (std::uint8_t i = 0; i < Victim::objects; ++i) {
        if (byte_at(victim.table(full) + i) != live) continue;
        victim.set_byte(victim.table(full) + i, none);
        victim.expect(Invariant::L3, "a live object looks free");
        victim.change_slots(full, [&](SlotsMembers& slots) { slots.free_head = 200; });
        victim.expect(Invariant::L3, "the list of free slots leads nowhere");
      }
  });
}

TEST(Audit, FindsWhatIsWrongInAListOfFreeSlots) {
  in_each([](const PolicyKind& policy) { return !policy.checks; },
          [](Victim& victim) {
            const auto next = [](Address slot) {
              std::uint64_t word = 0;
              for (std::size_t i = 8; i-- > 0;) word = word << 8 | byte_at(slot + i);
              return word;
            };
            const auto set_head = [&](Address at, Address head) {
              victim.change_slots(at, [&](SlotsMembers& slots) { slots.free_head = head; });
            };
            for (const Address at : with_free_slots(victim)) {
              SCOPED_TRACE(victim.info(at).slab);
              const Address first = victim.slots(at).free_head;
              Address last = first;
              while (next(last) != 0) last = next(last);
              victim.set_word(last, first);
              victim.expect(Invariant::L3, "circle");
              for (const Address head : {next(first), Address{0}}) {
                set_head(at, head);
                victim.expect(Invariant::L3, "a free slot less");
              }
              victim.set_word(first + 8, next(first));
              set_head(at, first + 8);
              victim.expect(Invariant::L3, "no slot begins there");
            }
            // Of a slab without free slots one object less is used, which is a slot never used, or nothing of the slab.
            const Address at = victim.partial[3];
            Elsewhere elsewhere;
            for (const Address slot : {victim.slot(at, 3), victim.slot(at, 4), elsewhere.info()}) {
              victim.set_word(slot, 0);
              victim.change_slots(at, [&](SlotsMembers& slots) { --slots.used, slots.free_head = slot; });
              victim.change([&](CacheMembers& cache) { --cache.allocated_elsewhere; });
              victim.expect(Invariant::L3, "a free slot that was never used");
            }
          });
}

TEST(Audit, FindsWrongCountsOfSlots) {
  in_each(all_but_debug, [](Victim& victim) {
    for (const Address at : victim.all)
      for (const bool is_more : {false, true}) {
        const SlotsMembers slots = victim.slots(at);
        if (is_more ? slots.used == slots.carved : slots.used == 0) continue;
        const std::uint32_t by = is_more ? 1 : UINT32_MAX;
        victim.change_slots(at, [&](SlotsMembers& changed) { changed.used += by; });
        victim.change([&](CacheMembers& cache) { cache.allocated_elsewhere += is_more ? 1 : SIZE_MAX; });
        victim.expect(Invariant::L3, "used");
      }
    // A slot more than there are, which would be an object.
    for (const Address at : victim.full) {
      if (victim.checks) victim.set_byte(victim.table(at) + Victim::objects, 0xFF);
      victim.change_slots(at, [&](SlotsMembers& slots) { ++slots.used, ++slots.carved; });
      victim.change([&](CacheMembers& cache) { ++cache.allocated_elsewhere; });
      victim.expect(Invariant::L3, "carved");
    }
    // More used than carved. It would take hours to go round the list of free slots as often as there are then free
    // ones.
    for (const Address at : with_free_slots(victim)) {
      const std::uint64_t first = victim.slots(at).free_head;
      if (victim.checks)
        victim.set_byte(victim.table(at) + first, static_cast<std::uint8_t>(first));
      else
        victim.set_word(first, first);
      victim.change_slots(at, [&](SlotsMembers& slots) { slots.used = slots.carved + 1; });
      victim.expect(Invariant::L3, "more used than carved");
    }
  });
}

TEST(Audit, FindsWhatWasWrittenOutsideOfObjects) {
  const auto looking_at_contents = [](const PolicyKind& policy) {
    return facts_of(policy.guards).red_zone_bytes != 0 || facts_of(policy.guards).verify_pattern;
  };
  in_each(looking_at_contents, [](Victim& victim) {
    const std::size_t object = victim.spec.object_size, end = victim.layout.stride - victim.guards.callers_bytes();
    for (const Address at : victim.all)
      for (std::size_t i = 0; i < Victim::objects; ++i) {
        const Address slot = victim.slot(at, i);
        const bool is_used = i < victim.slots(at).carved;
        const bool is_live = is_used && byte_at(victim.table(at) + i) == 0xFF;
        const Invariant outside = !is_used  ? Invariant::None
                                  : is_live ? victim.guards.red_zone_bytes != 0 ? Invariant::L11 : Invariant::None
                                  : victim.guards.verify_pattern ? Invariant::L12
                                                                 : Invariant::None;
        for (const std::size_t offset : {std::size_t{0}, object - 1, object, end - 1}) {
          if (offset == end) continue;
          victim.set_byte(slot + offset, byte_at(slot + offset) ^ 1);
          victim.expect(is_live && offset < object ? Invariant::None : outside,
                        "slot" + number(i) + ", byte" + number(offset));
        }
      }
  });
}

}  // namespace
}  // namespace slabproof
