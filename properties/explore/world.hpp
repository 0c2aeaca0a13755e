#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/judge/runner.hpp"
#include "model/subject/slab_subject.hpp"
#include "properties/explore/guarded_slots.hpp"
#include "properties/explore/small_state.hpp"

namespace slabproof {

/// A cache or two on one backend with room for a few slabs at fixed places, which can return to any earlier state. A
/// state is its key, in words of 8 bytes: the model's knowledge, the members of the caches, and of each slab what its
/// cache may read again: the SlabInfo and the free links or the table of slots; of caches with guards the quarantine,
/// and whose callers a slot knows. What else guards keep in slots follows from these. Every other byte is dead, and
/// where in its ring a quarantine begins means nothing. load() fills dead bytes with `scrub`, and begins the ring where
/// that says, so that a cache that heeds one of these behaves differently with another scrub.
class World {
 public:
  static constexpr std::size_t max_words = 416;

  /// `setup` has one backend, and inspectable caches whose slabs and SlabInfos are of the same sizes, with at most
  /// SmallState::max_slots objects; `slabs` is at most SmallState::max_slabs.
  World(const Setup& setup, std::size_t slabs, std::uint64_t scrub, MakeSubject make = make_slab_subject);

  /// Makes the caches. False when an invariant does not hold.
  bool start();
  /// The same where the backend has room for so many slabs, at most SmallState::max_slabs, from now on.
  bool start_with(std::size_t slabs) { return slabs_ = slabs, start(); }
  /// Writes the key and returns its length in words, at most max_words.
  std::size_t save(std::uint64_t* key) const;
  void load(const std::uint64_t* key);

  /// All bytes that a cache can write, dead ones included, but for those of guards that only last an operation, which
  /// it overwrites.
  void copy_memory(std::vector<std::uint64_t>& words);

  [[nodiscard]] Runner& runner() { return runner_; }
  [[nodiscard]] RecordingBackend& backend() { return runner_.backend(0); }
  [[nodiscard]] Choices& choices() { return choices_; }
  [[nodiscard]] bool has_guards() const { return has_guards_; }
  [[nodiscard]] const Setup& setup() const { return setup_; }
  [[nodiscard]] const CacheSpec& cache(std::size_t index) const { return setup_.caches[index]; }
  [[nodiscard]] const Layout& layout(std::size_t cache) const { return layouts_[cache]; }
  [[nodiscard]] std::size_t slabs() const { return slabs_; }
  [[nodiscard]] std::uintptr_t place(std::size_t index) const {
    return first_place_ + index * setup_.caches[0].slab_size;
  }
  /// The address that Transition::argument of Free names.
  [[nodiscard]] std::uintptr_t object(std::uint8_t cache, std::uint8_t argument) const {
    return place(argument / SmallState::max_slots) + argument % SmallState::max_slots * layouts_[cache].stride;
  }
  /// The table of slots of a slab of that cache at this place, and its SlabInfo.
  [[nodiscard]] std::uintptr_t table_of(std::size_t place, std::uint8_t cache) const;
  [[nodiscard]] std::uintptr_t info_of(std::size_t place, std::uint8_t cache) const;

 private:
  [[nodiscard]] GuardedSlots guarded_slots(std::size_t place, std::uint8_t cache) const {
    return {setup_.caches[cache], layouts_[cache], this->place(place), scrub_};
  }

  Setup setup_;
  std::size_t slabs_;
  std::uint64_t scrub_;
  bool has_guards_ = false;
  Runner runner_;
  Choices choices_;
  InfoPlaces info_places_{choices_};
  Layout layouts_[Limits::max_caches];
  std::uintptr_t first_place_ = 0, first_info_ = 0;
};

}  // namespace slabproof
