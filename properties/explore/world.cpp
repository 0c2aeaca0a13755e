#include "properties/explore/world.hpp"

#include <cstring>

#include <slab/slab_info.hpp>

#include "model/memory/address.hpp"
#include "model/memory/contents.hpp"
#include "model/memory/sanitizer.hpp"

namespace slabproof {
namespace {

// Freed slots are poisoned, but returning to a state must write to them.
SLABPROOF_NOT_SANITIZED std::uint64_t word_at(std::uintptr_t at) { return *reinterpret_cast<const std::uint64_t*>(at); }
SLABPROOF_NOT_SANITIZED void set_word(std::uintptr_t at, std::uint64_t word) {
  *reinterpret_cast<std::uint64_t*>(at) = word;
}
SLABPROOF_NOT_SANITIZED void set_words(std::uintptr_t at, std::size_t size, std::uint64_t word) {
  for (std::size_t i = 0; i < size; i += 8) *reinterpret_cast<std::uint64_t*>(at + i) = word;
}

// Where the words of a SlabInfo are. The class says what they mean; a `Slots` comes first.
constexpr std::size_t info_words = sizeof(slab::SlabInfo) / 8, slots_words = sizeof(slab::detail::Slots) / 8;
static_assert(slots_words == 2 && info_words == 6);
const std::size_t owner_word = 2;

__attribute__((noinline)) void scribble_over_stack(int byte) {
  char stack[16384];
  std::memset(stack, byte, sizeof stack);
  asm volatile("" : : "r"(stack) : "memory");
}

}  // namespace

World::World(const Setup& setup, std::size_t slabs, std::uint64_t scrub, MakeSubject make)
    : setup_{setup}, slabs_{slabs}, scrub_{scrub}, make_{make}, runner_{make} {
  for (std::size_t i = 0; i < setup.cache_count; ++i)
    layouts_[i] = layout_of(setup.caches[i].slab_size, setup.caches[i].type, setup.caches[i].object_size,
                            setup.caches[i].object_align);
}

bool World::start() {
  if (!runner_.start(setup_)) return false;
  find_padding();
  if (!runner_.start(setup_)) return false;
  runner_.confine(slabs_, choices_);
  first_place_ = backend().slab_region().place(0);
  first_info_ = backend().info_region().place(0);
  return true;
}

// Padding is what nobody writes when a cache is made over junk: it differs with the junk.
void World::find_padding() {
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) {
    const std::uintptr_t storage = runner_.arena().cache(i);
    cache_words_[i] = (runner_.subject_size(i) + 7) / 8;
    std::vector<std::uint64_t> made[2];
    for (const int round : {0, 1}) {
      const int junk = round == 0 ? 0x3C : 0xC3;
      std::memset(pointer(storage), junk, Arena::cache_storage);
      scribble_over_stack(junk);
      (void)make_(pointer(storage), setup_.caches[i], backend());
      for (std::size_t word = 0; word < cache_words_[i]; ++word) made[round].push_back(word_at(storage + word * 8));
    }
    meant_[i].clear();
    first_[i] = made[0];
    for (std::size_t word = 0; word < cache_words_[i]; ++word) {
      std::uint64_t meant = 0;
      for (int byte = 0; byte < 8; ++byte)
        if (((made[0][word] ^ made[1][word]) >> 8 * byte & 0xFF) == 0) meant |= std::uint64_t{0xFF} << 8 * byte;
      meant_[i].push_back(meant);
    }
  }
}

std::uintptr_t World::info_of(std::size_t place, std::uint8_t cache) const {
  const Layout& layout = layouts_[cache];
  const std::uintptr_t end = setup_.caches[cache].type == slab::ObjectSizeType::Large
                                 ? first_info_ + place * layout.slab_info_size + layout.slab_info_size
                                 : this->place(place) + setup_.caches[cache].slab_size;
  return end - sizeof(slab::SlabInfo);
}

std::size_t World::save(std::uint64_t* key) const {
  SmallState state;
  runner_.save(state);
  std::memcpy(key, &state, sizeof state);
  std::uint64_t* next = key + sizeof state / 8;
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) {
    const std::uintptr_t storage = runner_.arena().cache(i);
    for (std::size_t word = 0; word < cache_words_[i]; ++word)
      *next++ = (word_at(storage + word * 8) ^ first_[i][word]) & meant_[i][word];
  }
  for (std::size_t i = 0; i < slabs_; ++i) {
    const SmallState::Slab& slab = state.slabs[i];
    if (slab.holder == SmallState::nobody) continue;
    const std::uintptr_t info = info_of(i, slab.holder);
    if (slab.abandoned) {  // only its owner matters
      *next++ = word_at(info + owner_word * 8);
      continue;
    }
    const CacheSpec& spec = setup_.caches[slab.holder];
    const Layout& layout = layouts_[slab.holder];
    const bool is_current = state.caches[slab.holder].current == place(i);  // its Slots are in the cache
    for (std::size_t word = is_current ? slots_words : 0; word < info_words; ++word) *next++ = word_at(info + word * 8);
    if (spec.checks) *next++ = word_at(info - 8) & slab.handed_out;
    for (std::size_t slot = 0; slot < layout.objects_per_slab; ++slot)
      if ((slab.handed_out & ~slab.live) >> slot & 1) *next++ = word_at(place(i) + slot * layout.stride);
  }
  return static_cast<std::size_t>(next - key);
}

void World::load(const std::uint64_t* key) {
  SmallState state;
  std::memcpy(&state, key, sizeof state);
  runner_.load(state);
  const std::uint64_t* next = key + sizeof state / 8;
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) {
    const std::uintptr_t storage = runner_.arena().cache(i);
    for (std::size_t word = 0; word < cache_words_[i]; ++word)
      set_word(storage + word * 8, ((*next++ ^ first_[i][word]) & meant_[i][word]) | (scrub_ & ~meant_[i][word]));
  }
  for (std::size_t i = 0; i < slabs_; ++i) {
    const SmallState::Slab& slab = state.slabs[i];
    if (slab.holder == SmallState::nobody) continue;
    const std::uintptr_t base = place(i), info = info_of(i, slab.holder);
    const CacheSpec& spec = setup_.caches[slab.holder];
    const Layout& layout = layouts_[slab.holder];
    set_words(base, spec.slab_size, scrub_);
    set_words(info - 8, sizeof(slab::SlabInfo) + 8, scrub_);
    if (has_asan) {
      permit(pointer(base), spec.slab_size);
      forbid(pointer(base), layout.slab_info_offset);
      permit(pointer(info - 8), sizeof(slab::SlabInfo) + 8);
    }
    if (slab.abandoned) {
      set_word(info + owner_word * 8, *next++);
      continue;
    }
    const bool is_current = state.caches[slab.holder].current == base;
    for (std::size_t word = is_current ? slots_words : 0; word < info_words; ++word) set_word(info + word * 8, *next++);
    if (spec.checks) set_word(info - 8, *next++ | (scrub_ & ~std::uint64_t{slab.handed_out}));
    for (std::size_t slot = 0; slot < layout.objects_per_slab; ++slot) {
      const std::uintptr_t at = base + slot * layout.stride;
      if (slab.live >> slot & 1) {
        permit(pointer(at), spec.object_size);
        stamp(at, spec.object_size, static_cast<std::uint32_t>(i * SmallState::max_slots + slot));
      } else if (slab.handed_out >> slot & 1) {
        set_word(at, *next++);
      }
    }
  }
}

SLABPROOF_NOT_SANITIZED void World::copy_memory(std::vector<std::uint64_t>& words) const {
  words.clear();
  const auto copy = [&](std::uintptr_t begin, std::size_t size) {
    for (std::size_t i = 0; i < size; i += 8) words.push_back(word_at(begin + i));
  };
  for (std::size_t i = 0; i < setup_.cache_count; ++i) copy(runner_.arena().cache(i), cache_words_[i] * 8);
  copy(first_place_ - setup_.caches[0].page_size, slabs_ * setup_.caches[0].slab_size + 2 * setup_.caches[0].page_size);
  if (setup_.caches[0].type == slab::ObjectSizeType::Large) copy(first_info_, slabs_ * layouts_[0].slab_info_size);
}

}  // namespace slabproof
