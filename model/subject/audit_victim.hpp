#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "model/judge/runner.hpp"
#include "model/memory/address.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/program/guards.hpp"
#include "model/program/layout.hpp"
#include "model/program/policy_kind.hpp"
#include "model/subject/cache_members.hpp"
#include "model/subject/inspector.hpp"

namespace slabproof {

using Address = std::uintptr_t;
using Slabs = std::vector<Address>;  // their SlabInfos
inline constexpr std::size_t header = sizeof(slab::SlabInfo);

SLABPROOF_NOT_SANITIZED inline std::uint8_t byte_at(Address at) {
  return *static_cast<volatile std::uint8_t*>(pointer(at));
}
SLABPROOF_NOT_SANITIZED inline void set_byte_at(Address at, std::uint8_t value) {
  *static_cast<volatile std::uint8_t*>(pointer(at)) = value;
}

/// A cache with ten slabs of five objects, or none, whose state is written to and put back.
///
///   all:      the first two were never used; the one that was made first is the last
///   partial:  of three two objects were freed, of the last one the other slots were never used
///   empty:    the two that were never used, and one that was
///   current:  in the middle of all, with two objects freed
///   full:     the last of all, another and, with a quarantine, a third one with the objects that wait
class Victim {
 public:
  static constexpr std::size_t slab_size = 512, objects = 5;

  Victim(slab::Row row, const PolicyKind& policy) : checks{policy.checks}, guards{facts_of(policy.guards)} {
    spec.checks = policy.checks, spec.guards = policy.guards;
    spec.type = row == slab::Row::Large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small;
    spec.slab_size = slab_size, spec.page_size = row == slab::Row::SmallSinglePage ? slab_size : 128;
    spec.object_size = largest_object(spec, objects);
    layout = layout_of(spec);
    struct Setup setup;
    setup.cache_count = 1;
    setup.caches[0] = spec;
    is_ready_ = layout.objects_per_slab == objects && runner_.start(setup);
    first_ = unused = subject().members();
    first_guards_ = subject().guard_members();
  }

  /// Makes the slabs. False if something went wrong.
  bool fill() {
    constexpr std::uint32_t n = objects;
    for (std::uint32_t i = 0; i < 8 * n - 2; ++i) step({.object = i});
    const auto free = [&](std::uint32_t slab, std::uint32_t slot) {
      step({.kind = OperationKind::Free, .object = slab * n + slot});
    };
    for (const std::uint32_t slab : {1u, 3u, 5u}) free(slab, slab / 2), free(slab, 4);
    for (std::uint32_t slot = 0; slot < n; ++slot) free(6, slot);
    free(4, 3), free(4, 1);
    for (std::uint32_t i = 0; i < guards.quarantine_objects && i < n; ++i) free(2, i);
    step({.kind = OperationKind::Reserve,
          .argument = static_cast<std::uint32_t>(subject().statistics().free_objects + 2 * n)});
    first_ = subject().members();
    first_guards_ = subject().guard_members();
    for (Address at = first_.all_front; at; at = info(at).next_slab) all.push_back(at);
    for (Address at = first_.partial_front; at; at = info(at).next) partial.push_back(at);
    for (Address at = first_.empty_front; at; at = info(at).next) empty.push_back(at);
    current = first_.slab_info;
    full = {all.back(), all.at(all.size() - 3)};
    return is_ready_ && subject().audit() == Invariant::None;
  }

  [[nodiscard]] AnySubject& subject() { return *runner_.subject(0); }
  [[nodiscard]] CacheMembers members() { return subject().members(); }
  [[nodiscard]] SlabInfoMembers info(Address at) const { return slab::Inspector::info_at(at, checks); }
  [[nodiscard]] SlotsMembers slots(Address at) { return at == current ? members().slots : info(at).slots; }
  [[nodiscard]] Address table(Address at) const { return at + header - layout.slab_info_size; }
  [[nodiscard]] Address slot(Address at, std::size_t index) const { return info(at).slab + index * layout.stride; }
  [[nodiscard]] bool is_small() const { return spec.type == slab::ObjectSizeType::Small; }

  // Damage. A SlabInfo is sealed again.

  void set_members(const CacheMembers& members) { subject().set_members(members); }
  template <class F>
  void change(F f) {
    CacheMembers changed = members();
    f(changed);
    set_members(changed);
  }
  template <class F>
  void change(Address at, F f) {
    SlabInfoMembers changed = info(at);
    f(changed);
    for (std::size_t i = 0; i < header; ++i) note(at + i);
    slab::Inspector::set_info_at(at, checks, changed);
  }
  template <class F>
  void change_slots(Address at, F f) {
    if (at == current)
      change([&](CacheMembers& changed) { f(changed.slots); });
    else
      change(at, [&](SlabInfoMembers& changed) { f(changed.slots); });
  }
  void set_byte(Address at, std::uint8_t value) {
    note(at);
    set_byte_at(at, value);
  }
  void set_word(Address at, std::uint64_t value) {
    for (std::size_t i = 0; i < 8; ++i) set_byte(at + i, static_cast<std::uint8_t>(value >> 8 * i));
  }
  void set_base(Address at, Address base) {
    change(at, [&](SlabInfoMembers& changed) { changed.slab = base; });
    if (at == current) change([&](CacheMembers& changed) { changed.slab = base; });
  }
  /// The list has these slabs, and says so.
  void set_all(const Slabs& slabs) {
    for (std::size_t i = 0; i < slabs.size(); ++i)
      change(slabs[i], [&](SlabInfoMembers& changed) {
        changed.previous_slab = i == 0 ? 0 : slabs[i - 1];
        changed.next_slab = i + 1 == slabs.size() ? 0 : slabs[i + 1];
      });
    change([&](CacheMembers& changed) {
      changed.all_front = slabs.front(), changed.all_back = slabs.back(), changed.slabs = slabs.size();
    });
  }
  void set_partial(const Slabs& slabs) {
    link(slabs);
    change([&](CacheMembers& changed) {
      changed.partial_front = slabs.empty() ? 0 : slabs.front(), changed.partial_slabs = slabs.size();
    });
  }
  void set_empty(const Slabs& slabs) {
    link(slabs);
    change([&](CacheMembers& changed) {
      changed.empty_front = slabs.empty() ? 0 : slabs.front(), changed.empty_slabs = slabs.size();
    });
  }
  void unlink(Address at) {
    change(at, [](SlabInfoMembers& changed) { changed.next = changed.previous = 0; });
  }
  /// The same SlabInfo, with its table, once more.
  Address copy(Address at, Address to) {
    for (Address i = at + header - layout.slab_info_size; i < at + header; ++i) set_byte(to + (i - at), byte_at(i));
    if (is_small()) set_base(to, to + header - slab_size);
    return to;
  }
  /// Has a slab of no list but that of the empty ones, or of none, elsewhere.
  Address move(Address at, Address to) {
    copy(at, to);
    set_all(with(all_now_.empty() ? all_now_ = all : all_now_, at, to));
    if (empty_now_.empty()) empty_now_ = empty;
    set_empty(with(empty_now_, at, to));
    return to;
  }

  /// What audit() is to find. All is then as it was.
  void expect(Invariant expected, const std::string& of) {
    EXPECT_EQ(subject().audit(), expected) << of;
    for (; !noted_.empty(); noted_.pop_back()) set_byte_at(noted_.back().first, noted_.back().second);
    set_members(first_);
    subject().set_guard_members(first_guards_);
    all_now_.clear(), empty_now_.clear();
    ASSERT_EQ(subject().audit(), Invariant::None) << of;
  }

  CacheSpec spec;
  Layout layout;
  bool checks;
  GuardFacts guards;
  CacheMembers unused;  // of the cache before it had slabs
  Slabs all, partial, empty, full;
  Address current = 0;

 private:
  void step(const Operation& operation) { is_ready_ = is_ready_ && runner_.step(operation); }
  void note(Address at) { noted_.emplace_back(at, byte_at(at)); }
  void link(const Slabs& slabs) {
    for (std::size_t i = 0; i < slabs.size(); ++i)
      change(slabs[i], [&](SlabInfoMembers& changed) {
        changed.previous = i == 0 ? 0 : slabs[i - 1];
        changed.next = i + 1 == slabs.size() ? 0 : slabs[i + 1];
      });
  }
  static Slabs& with(Slabs& slabs, Address at, Address to) {
    for (Address& slab : slabs)
      if (slab == at) slab = to;
    return slabs;
  }

  Runner runner_;
  CacheMembers first_;
  GuardMembers first_guards_;
  bool is_ready_ = false;
  Slabs all_now_, empty_now_;
  std::vector<std::pair<Address, std::uint8_t>> noted_;  // bytes as they were
};

using Policies = bool (*)(const PolicyKind&);
inline bool all_but_debug(const PolicyKind& policy) { return facts_of(policy.guards).quarantine_objects <= 2; }
inline bool checking(const PolicyKind& policy) { return policy.checks && all_but_debug(policy); }
/// Whose audit reads no slots, or no more than free links.
inline bool looking_at_no_contents(const PolicyKind& policy) {
  const GuardFacts facts = facts_of(policy.guards);
  return all_but_debug(policy) && facts.red_zone_bytes == 0 && !facts.verify_pattern;
}

/// Calls `f` with a cache of each row and of these policies.
template <class F>
void in_each(Policies policies, F f) {
  for (const auto row : {slab::Row::SmallSinglePage, slab::Row::SmallMultiPage, slab::Row::Large})
    for (const Named<PolicyKind>& policy : policy_kinds) {
      if (!policies(policy.value)) continue;
      SCOPED_TRACE(std::string{slab::to_string(row)} + ", " + policy.name);
      const auto victim = std::make_unique<Victim>(row, policy.value);
      ASSERT_TRUE(victim->fill());
      f(*victim);
      if (testing::Test::HasFailure()) return;
    }
}
inline std::string number(std::size_t i) { return " " + std::to_string(i); }

/// Memory for slabs, of which only the SlabInfos matter.
struct alignas(Victim::slab_size) Elsewhere {
  std::array<std::byte, 4 * Victim::slab_size> bytes{};
  /// Where the SlabInfo of a slab lies whose first byte is that.
  [[nodiscard]] Address info(std::size_t begin = 0) const {
    return address(bytes.data()) + begin + Victim::slab_size - header;
  }
};

}  // namespace slabproof
