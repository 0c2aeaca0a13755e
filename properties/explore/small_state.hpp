#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "model/memory/place_chooser.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

class Runner;
class RecordingBackend;
class Region;
class CacheModel;

/// Model state that can affect a later operation in a small world: one backend with few slabs at fixed places, no
/// failure armed. Without birth ordinals, generations, logs and counts, which only tell events apart. Has no padding,
/// so that its bytes can be compared.
struct SmallState {
  static constexpr std::size_t max_slabs = 4;
  static constexpr std::size_t max_slots = 16;  // a slab
  static constexpr std::uint8_t nobody = 0xFF;

  struct Slab {
    std::uintptr_t info;        // what its pages map to
    std::uint16_t handed_out;   // a bit a slot
    std::uint16_t live;         // a bit a slot; none in an abandoned slab, whose slots do not matter
    std::uint16_t saved_pages;  // a bit a page
    std::uint8_t holder;        // cache, or nobody
    std::uint8_t abandoned : 1;
    std::uint8_t listed : 7;  // place in the order in which its cache's slabs became partial, from 1; 0: it is not
  };
  struct Cache {
    std::uintptr_t current;
    std::uint64_t reserved_slabs;
  };
  Slab slabs[max_slabs];
  Cache caches[Limits::max_caches];
};
static_assert(std::has_unique_object_representations_v<SmallState>);

/// What it knows besides of caches with guards: which objects are in quarantine, and a byte written astray.
struct SmallGuards {
  static constexpr std::uint8_t nothing = 0xFF;

  std::uint8_t quarantine[SmallState::max_slabs * SmallState::max_slots];  // as Transition::slot_argument(); the oldest
                                                                           // first, of one cache after the other's
  std::uint8_t quarantined[Limits::max_caches];
  std::uint8_t written_slot;  // the same, or nothing
  std::uint8_t written_value;
  std::uint16_t written_offset;
  std::uint8_t written_cache;
  std::uint8_t is_behind_object;

  [[nodiscard]] static constexpr SmallGuards none() {
    SmallGuards guards{};
    guards.written_slot = nothing;
    return guards;
  }
};
static_assert(std::has_unique_object_representations_v<SmallGuards>);

/// Which of the free places, by address, each new slab gets, and how many there were, so that a search can try them
/// all.
class Choices final : public PlaceChooser {
 public:
  static constexpr std::size_t most = SmallState::max_slabs;  // slabs that one operation can make

  std::uint8_t picks[most] = {};
  std::uint8_t options[most] = {};
  std::size_t made = 0;
  bool refused = false;  // there was none

  [[nodiscard]] std::uintptr_t choose(std::span<const std::uintptr_t> free) override;
  /// The place of the last slab.
  [[nodiscard]] std::uintptr_t chosen() const { return chosen_; }

 private:
  std::uintptr_t chosen_ = 0;
};

/// Gives each SlabInfo the place that goes with that of the slab chosen last.
class InfoPlaces final : public PlaceChooser {
 public:
  explicit InfoPlaces(const Choices& slabs) : slabs_{slabs} {}
  void set_geometry(std::uintptr_t first_slab, std::size_t slab_size, std::uintptr_t first_info,
                    std::size_t info_size) {
    first_slab_ = first_slab;
    slab_size_ = slab_size;
    first_info_ = first_info;
    info_size_ = info_size;
  }
  [[nodiscard]] std::uintptr_t choose(std::span<const std::uintptr_t> free) override;

 private:
  const Choices& slabs_;
  std::uintptr_t first_slab_ = 0, first_info_ = 0;
  std::size_t slab_size_ = 1, info_size_ = 0;
};

/// The explorer's door into the runner, its backend and its memory, which befriend it: confines them to a small world,
/// saves their state between two operations and returns to it.
class SmallStateAccess {
 public:
  /// From now until the next start() backend 0 hands out slabs at `slabs` adjacent places, which `choices` selects
  /// among, and SlabInfos at places that go with them.
  static void confine(Runner& runner, std::size_t slabs, Choices& choices, InfoPlaces& infos);
  [[nodiscard]] static std::uintptr_t slab_place(const Runner& runner, std::size_t index);
  [[nodiscard]] static std::uintptr_t info_place(const Runner& runner, std::size_t index);

  static void save(const Runner& runner, SmallState& state, SmallGuards& guards);
  /// Objects get ordinals that follow from their places. The caller restores the caches and the slabs, stamp()s the
  /// contents of objects, and writes the byte that was written astray.
  static void load(Runner& runner, const SmallState& state, const SmallGuards& guards);

  /// Whether the backend got a call in the last operation, which was none that ends a cache.
  [[nodiscard]] static bool called_backend(const Runner& runner);
  /// Makes the backend let so many calls be and call the cache in the next.
  static void call_back_later(Runner& runner, std::uint8_t cache, std::uint8_t call, std::uint8_t let_be);
  /// How often it has.
  [[nodiscard]] static std::uint64_t times_called_back(const Runner& runner);

 private:
  static void confine(Region& region, std::uintptr_t begin, std::size_t size, std::size_t count, PlaceChooser& chooser);
  /// Makes the places in `held`, a bit each, the ones that are handed out. The caller fills them.
  static void load(Region& region, std::uint32_t held);
  [[nodiscard]] static std::uintptr_t place(const Region& region, std::size_t index);
  static void save(const RecordingBackend& backend, SmallState& state);
  static void load(RecordingBackend& backend, const SmallState& state, const SmallGuards& guards,
                   const CacheModel* models);
  static void save_guards(const Runner& runner, SmallGuards& guards);
  static void load_guards(Runner& runner, const SmallGuards& guards);
};

}  // namespace slabproof
