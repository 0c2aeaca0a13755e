#include "properties/explore/world.hpp"

#include <cstring>
#include <type_traits>
#include <utility>

#include <slab/slab_info.hpp>

#include "model/memory/address.hpp"
#include "model/memory/contents.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/subject/inspector.hpp"
#include "properties/explore/raw_memory.hpp"

namespace slabproof {
namespace {

SLABPROOF_NOT_SANITIZED void set_words(std::uintptr_t at, std::size_t size, std::uint64_t word) {
  for (std::size_t i = 0; i < size; i += 8) *reinterpret_cast<std::uint64_t*>(at + i) = word;
}

/// Writes the words of a key, or reads them back in the same order.
class KeyWriter {
 public:
  explicit KeyWriter(std::uint64_t* key) : next_{key} {}
  void put(std::uint64_t word) { *next_++ = word; }
  template <class T>
  void put_words(const T& value) {
    static_assert(sizeof(T) % 8 == 0 && std::has_unique_object_representations_v<T>);
    std::memcpy(next_, &value, sizeof value);
    next_ += sizeof value / 8;
  }
  [[nodiscard]] const std::uint64_t* end() const { return next_; }

 private:
  std::uint64_t* next_;
};

class KeyReader {
 public:
  explicit KeyReader(const std::uint64_t* key) : next_{key} {}
  std::uint64_t get() { return *next_++; }
  template <class T>
  T get_words() {
    T value;
    std::memcpy(&value, next_, sizeof value);
    next_ += sizeof value / 8;
    return value;
  }

 private:
  const std::uint64_t* next_;
};

/// A mask of whole bytes from the eight lowest bits. Entries of a table of at most 254 slots have a byte each.
constexpr std::uint64_t bytes_of(std::uint32_t bits) {
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < 8; ++i) mask |= (bits >> i & 1) * (std::uint64_t{0xFF} << 8 * i);
  return mask;
}

}  // namespace

World::World(const Setup& setup, std::size_t slabs, std::uint64_t scrub, MakeSubject make)
    : setup_{setup}, slabs_{slabs}, scrub_{scrub}, runner_{make} {
  for (std::size_t i = 0; i < setup.cache_count; ++i) {
    layouts_[i] = layout_of(setup.caches[i]);
    has_guards_ |= setup.caches[i].guards != Guards::None;
  }
}

bool World::start() {
  if (!runner_.start(setup_)) return false;
  SmallStateAccess::confine(runner_, slabs_, choices_, info_places_);
  first_place_ = SmallStateAccess::slab_place(runner_, 0);
  first_info_ = SmallStateAccess::info_place(runner_, 0);
  return true;
}

std::uintptr_t World::table_of(std::size_t place, std::uint8_t cache) const {
  const Layout& layout = layouts_[cache];
  return setup_.caches[cache].type == slab::ObjectSizeType::Large ? first_info_ + place * layout.slab_info_size
                                                                  : this->place(place) + layout.slab_info_offset;
}

std::uintptr_t World::info_of(std::size_t place, std::uint8_t cache) const {
  return table_of(place, cache) + layouts_[cache].slab_info_size - sizeof(slab::SlabInfo);
}

namespace {

/// From what a slab calls its owner to what a key says of it, and back: 0 is nobody.
std::uintptr_t owner_word(std::uintptr_t word, std::uintptr_t tag) { return word == 0 ? 0 : word ^ tag ^ 1; }

}  // namespace

std::size_t World::save(std::uint64_t* key) const {
  KeyWriter writer{key};
  SmallState state;
  SmallGuards guards;
  SmallStateAccess::save(runner_, state, guards);
  writer.put_words(state);
  if (has_guards_) writer.put_words(guards);
  std::uintptr_t tags[Limits::max_caches] = {};
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) {
    CacheMembers members = runner_.subject(i)->members();
    members.all_front = members.all_back = 0;  // load() makes the list of all slabs
    tags[i] = std::exchange(members.tag, 0);  // another in each cache made
    writer.put_words(members);
    if (facts_of(setup_.caches[i].guards).quarantine_objects == 0) continue;
    const SavedQuarantine quarantine = saved(runner_.subject(i)->guard_members(), setup_.caches[i].guards);
    writer.put(quarantine.size);
    for (std::size_t at = 0; at < quarantine.size; ++at) writer.put_words(quarantine.objects[at]);
  }
  for (std::size_t i = 0; i < slabs_; ++i) {
    const SmallState::Slab& slab = state.slabs[i];
    if (slab.holder == SmallState::nobody) continue;
    const bool checks = setup_.caches[slab.holder].checks;
    const SlabInfoMembers info = slab::Inspector::info_at(info_of(i, slab.holder), checks);
    if (slab.abandoned) continue;  // nobody knows its owner
    writer.put(owner_word(info.owner, tags[slab.holder]));
    const Layout& layout = layouts_[slab.holder];
    if (state.caches[slab.holder].current != place(i)) {  // that one's are in the cache
      writer.put_words(info.slots);
    }
    writer.put(info.slab);
    writer.put(info.next);
    writer.put(info.previous);
    if (checks)
      for (std::size_t slot = 0; slot < layout.objects_per_slab; slot += 8)
        writer.put(word_at(table_of(i, slab.holder) + slot) & bytes_of(slab.handed_out >> slot));
    else
      for (std::size_t slot = 0; slot < layout.objects_per_slab; ++slot)
        if ((slab.handed_out & ~slab.live) >> slot & 1) writer.put(word_at(place(i) + slot * layout.stride));
    if (facts_of(setup_.caches[slab.holder].guards).track_callers)
      writer.put(guarded_slots(i, slab.holder).unknown_callers(slab.handed_out, slab.live));
  }
  return static_cast<std::size_t>(writer.end() - key);
}

void World::load(const std::uint64_t* key) {
  KeyReader reader{key};
  const auto state = reader.get_words<SmallState>();
  SmallGuards guards = SmallGuards::none();
  if (has_guards_) guards = reader.get_words<SmallGuards>();
  SmallStateAccess::load(runner_, state, guards);
  // The next SlabInfo of this cache in the order of places, from `place` on; 0 if there is none.
  const auto info_from = [&](std::size_t place, std::uint8_t cache) -> std::uintptr_t {
    for (; place < slabs_; ++place)
      if (state.slabs[place].holder == cache && !state.slabs[place].abandoned) return info_of(place, cache);
    return 0;
  };
  std::uintptr_t last_info[Limits::max_caches] = {}, tags[Limits::max_caches] = {};
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) {
    auto members = reader.get_words<CacheMembers>();
    members.all_front = info_from(0, i);
    if (setup_.caches[i].checks)
      for (std::size_t at = 0; std::uintptr_t info = info_from(at, i); ++at) members.all_back = info;
    runner_.subject(i)->set_members(members);
    tags[i] = runner_.subject(i)->members().tag;
    if (!has_guards_) continue;
    SavedQuarantine quarantine;
    if (facts_of(setup_.caches[i].guards).quarantine_objects != 0) quarantine.size = reader.get();
    for (std::size_t at = 0; at < quarantine.size; ++at)
      quarantine.objects[at] = reader.get_words<GuardMembers::Freed>();
    runner_.subject(i)->set_guard_members(restored(quarantine, setup_.caches[i].guards, scrub_));
  }
  for (std::size_t i = 0; i < slabs_; ++i) {
    const SmallState::Slab& slab = state.slabs[i];
    if (slab.holder == SmallState::nobody) continue;
    const std::uintptr_t base = place(i), table = table_of(i, slab.holder), info_address = info_of(i, slab.holder);
    const CacheSpec& spec = setup_.caches[slab.holder];
    const Layout& layout = layouts_[slab.holder];
    set_words(base, spec.slab_size, scrub_);
    if (has_asan) {
      permit(pointer(base), spec.slab_size);
      forbid(pointer(base), layout.slab_info_offset);
      permit(pointer(table), layout.slab_info_size);
    }
    set_words(table, layout.slab_info_size, scrub_);
    SlabInfoMembers info = slab::Inspector::info_at(info_address, spec.checks);
    if (slab.abandoned) {
      info.owner = 0;
      slab::Inspector::set_info_at(info_address, spec.checks, info);
      continue;
    }
    info.owner = owner_word(reader.get(), tags[slab.holder]);
    if (state.caches[slab.holder].current != base) info.slots = reader.get_words<SlotsMembers>();
    info.slab = reader.get();
    info.next = reader.get();
    info.previous = reader.get();
    info.next_slab = info_from(i + 1, slab.holder);
    info.previous_slab = std::exchange(last_info[slab.holder], info_address);
    slab::Inspector::set_info_at(info_address, spec.checks, info);
    if (spec.checks)
      for (std::size_t slot = 0; slot < layout.objects_per_slab; slot += 8)
        set_word(table + slot, reader.get() | (scrub_ & ~bytes_of(slab.handed_out >> slot)));
    for (std::size_t slot = 0; slot < layout.objects_per_slab; ++slot) {
      const std::uintptr_t at = base + slot * layout.stride;
      if (slab.live >> slot & 1) {
        permit(pointer(at), spec.object_size);
        stamp(at, spec.object_size, static_cast<std::uint32_t>(i * SmallState::max_slots + slot));
      } else if (!spec.checks && (slab.handed_out >> slot & 1)) {
        set_word(at, reader.get());
      }
    }
    if (spec.guards == Guards::None) continue;
    const std::uint64_t unknown_callers = facts_of(spec.guards).track_callers ? reader.get() : 0;
    guarded_slots(i, slab.holder).restore(slab.handed_out, slab.live, unknown_callers);
  }
  if (guards.written_slot != SmallGuards::nothing)
    set_byte(object(guards.written_cache, guards.written_slot) + guards.written_offset, guards.written_value);
}

SLABPROOF_NOT_SANITIZED void World::copy_memory(std::vector<std::uint64_t>& words) {
  words.clear();
  for (std::size_t i = 0; has_guards_ && i < setup_.cache_count; ++i) {
    GuardMembers members = runner_.subject(i)->guard_members();
    forget_last_operation(members, scrub_);
    runner_.subject(i)->set_guard_members(members);
  }
  const auto copy = [&](std::uintptr_t begin, std::size_t size) {
    for (std::size_t i = 0; i < size; i += 8) words.push_back(word_at(begin + i));
  };
  for (std::size_t i = 0; i < setup_.cache_count; ++i) copy(runner_.arena().cache(i), runner_.subject(i)->size());
  copy(first_place_ - setup_.caches[0].page_size, slabs_ * setup_.caches[0].slab_size + 2 * setup_.caches[0].page_size);
  if (setup_.caches[0].type == slab::ObjectSizeType::Large) copy(first_info_, slabs_ * layouts_[0].slab_info_size);
}

}  // namespace slabproof
