#include "properties/explore/guarded_slots.hpp"

#include <algorithm>

#include "properties/explore/raw_memory.hpp"

namespace slabproof {
namespace {

constexpr unsigned upper_half = 32;

void fill(std::uintptr_t begin, std::uintptr_t end, std::uint8_t byte) {
  for (; begin < end; ++begin) set_byte(begin, byte);
}

}  // namespace

std::uint64_t GuardedSlots::unknown_callers(std::uint32_t handed_out, std::uint32_t live) const {
  std::uint64_t unknown = 0;
  for (std::size_t i = 0; i < layout_.objects_per_slab; ++i) {
    if (!(handed_out >> i & 1)) continue;
    unknown |= std::uint64_t{word_at(callers(i)) == 0} << i;
    if (!(live >> i & 1)) unknown |= std::uint64_t{word_at(callers(i) + 8) == 0} << i << upper_half;
  }
  return unknown;
}

void GuardedSlots::restore(std::uint32_t handed_out, std::uint32_t live, std::uint64_t unknown_callers) const {
  const bool is_filled = facts_.verify_pattern || facts_.zero == slab::Zero::OnFree;
  for (std::size_t i = 0; i < layout_.objects_per_slab; ++i) {
    if (!(handed_out >> i & 1)) continue;
    if (!(live >> i & 1)) {
      if (is_filled) fill(slot(i), callers(i), facts_.pattern());
    } else if (facts_.red_zone_bytes != 0) {
      fill(slot(i) + spec_.object_size, callers(i), GuardFacts::red_zone);
    }
    if (!facts_.track_callers) continue;
    const std::uint64_t somebody = scrub_ | 1;
    set_word(callers(i), unknown_callers >> i & 1 ? 0 : somebody);
    set_word(callers(i) + 8, unknown_callers >> upper_half >> i & 1 ? 0 : somebody);
  }
}

SavedQuarantine saved(const GuardMembers& members, Guards guards) {
  SavedQuarantine quarantine;
  const std::size_t capacity = facts_of(guards).quarantine_objects;
  quarantine.size = std::min(members.size, capacity);  // a defect may have made it anything
  for (std::size_t i = 0; i < quarantine.size; ++i)
    quarantine.objects[i] = members.ring[(members.first + i) % capacity];
  return quarantine;
}

GuardMembers restored(const SavedQuarantine& quarantine, Guards guards, std::uint64_t scrub) {
  GuardMembers members;
  const std::size_t capacity = facts_of(guards).quarantine_objects;
  members.size = quarantine.size;
  members.first = capacity == 0 ? 0 : scrub % capacity;
  for (std::size_t i = 0; i < capacity; ++i)
    members.ring[(members.first + i) % capacity] =
        i < quarantine.size ? quarantine.objects[i] : GuardMembers::Freed{scrub, scrub};
  forget_last_operation(members, scrub);
  return members;
}

void forget_last_operation(GuardMembers& members, std::uint64_t scrub) {
  members.leaving = {scrub, scrub};
  members.caller = scrub;
  members.trimmed_slabs = scrub;
  members.was_live = scrub & 1;
}

}  // namespace slabproof
