#include "properties/explore/small_state.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "model/judge/runner.hpp"
#include "model/memory/recording_backend.hpp"
#include "model/memory/region.hpp"
#include "model/subject/report_log.hpp"
#include "properties/explore/transition.hpp"

namespace slabproof {

std::uintptr_t Choices::choose(std::span<const std::uintptr_t> free) {
  refused = refused || free.empty() || made == most;
  if (refused) return 0;
  options[made] = static_cast<std::uint8_t>(free.size());
  return chosen_ = free[picks[made++]];
}

std::uintptr_t InfoPlaces::choose(std::span<const std::uintptr_t> free) {
  if (free.empty()) return 0;
  const std::uintptr_t wanted = first_info_ + (slabs_.chosen() - first_slab_) / slab_size_ * info_size_;
  const auto place = std::find_if(free.begin(), free.end(), [&](std::uintptr_t at) { return at >= wanted; });
  return place == free.end() ? free.back() : *place;
}

// Regions.

void SmallStateAccess::confine(Region& region, std::uintptr_t begin, std::size_t size, std::size_t count,
                               PlaceChooser& chooser) {
  region.begin_of_places_ = begin;
  region.size_of_places_ = size;
  region.places_ = count;
  region.chooser_ = &chooser;
  load(region, 0);
}

void SmallStateAccess::load(Region& region, std::uint32_t held) {
  region.returned_.clear();
  region.held_ = 0;
  region.where_.restart_at(place(region, region.places_));
  region.written_before_reuse_ = 0;
  for (std::size_t i = 0; i < region.places_; ++i) {
    ++region.held_;
    if (!(held >> i & 1)) region.give(place(region, i), region.size_of_places_);
  }
}

std::uintptr_t SmallStateAccess::place(const Region& region, std::size_t index) {
  return region.begin_of_places_ + index * region.size_of_places_;
}

// The backend.

void SmallStateAccess::save(const RecordingBackend& backend, SmallState& state) {
  for (std::size_t i = 0; i < SmallState::max_slabs; ++i) state.slabs[i] = {0, 0, 0, 0, SmallState::nobody, 0, 0};
  for (const SlabRecord* const slab : backend.slabs_) {
    SmallState::Slab& saved = state.slabs[(slab->base - place(backend.slab_region_, 0)) / slab->size];
    saved = {slab->info, 0, 0, 0, slab->cache, slab->abandoned, 0};
    for (std::size_t i = 0; i < slab->size / slab::Geometry::min_page_size; ++i)
      saved.saved_pages |=
          static_cast<std::uint16_t>((backend.lookup(slab->base + i * slab::Geometry::min_page_size) != 0) << i);
    if (slab->abandoned) continue;
    for (std::size_t i = 0; i < slab->handed_out.size(); ++i)
      saved.handed_out |= static_cast<std::uint16_t>(slab->handed_out[i] << i);
  }
}

void SmallStateAccess::load(RecordingBackend& backend, const SmallState& state, const SmallGuards& guards,
                            const CacheModel* models) {
  std::uint32_t held = 0;
  backend.slabs_.clear();
  backend.infos_.clear();
  for (std::size_t i = 0; i < Limits::max_caches; ++i) backend.slab_counts_[i] = backend.info_counts_[i] = 0;
  backend.recover();
  backend.is_lie_due_ = false;
  backend.calls_that_may_fail_ = 0;
  backend.saved_pages_ = 0;
  backend.slabs_made_ = SmallState::max_slabs;
  for (std::size_t i = 0; i < backend.slab_region_.places_; ++i) {
    const SmallState::Slab& saved = state.slabs[i];
    const CacheModel& model = models[saved.holder == SmallState::nobody ? 0 : saved.holder];
    const std::uintptr_t base = place(backend.slab_region_, i);
    for (std::size_t page = 0; page < model.spec.slab_size / slab::Geometry::min_page_size; ++page) {
      const bool is_saved = saved.saved_pages >> page & 1;
      backend.entry(base + page * slab::Geometry::min_page_size) = is_saved ? saved.info : 0;
      backend.saved_pages_ += is_saved;
    }
    if (saved.holder == SmallState::nobody) continue;
    held |= std::uint32_t{1} << i;
    SlabRecord& slab = backend.slabs_.insert(base);
    slab = {.base = base,
            .size = model.spec.slab_size,
            .cache = saved.holder,
            .abandoned = saved.abandoned != 0,
            .fresh = false,
            .generation = static_cast<std::uint32_t>(i + 1),
            .saved_pages = static_cast<std::uint32_t>(std::popcount(saved.saved_pages)),
            .info = saved.info,
            .used = static_cast<std::uint32_t>(std::popcount(saved.live)),
            .handed_out = std::move(slab.handed_out)};
    slab.handed_out.resize(model.layout.objects_per_slab);
    for (std::size_t slot = 0; slot < slab.handed_out.size(); ++slot)
      slab.handed_out[slot] = saved.handed_out >> slot & 1;
    if (!slab.abandoned) ++backend.slab_counts_[slab.cache];
    if (model.spec.row() != slab::Row::Large) continue;
    const std::uintptr_t info = place(backend.info_region_, i);
    backend.infos_.insert(info) = {info, model.layout.slab_info_size,
                                   slab.abandoned ? RecordingBackend::no_cache : slab.cache, false, base};
    if (!slab.abandoned) ++backend.info_counts_[slab.cache];
  }
  for (std::size_t i = 0; i < std::size_t{guards.quarantined[0]} + guards.quarantined[1]; ++i)
    ++backend.find(place(backend.slab_region_, guards.quarantine[i] / SmallState::max_slots))->used;
  load(backend.slab_region_, held);
  load(backend.info_region_, backend.infos_.size() > 0 ? held : 0);
}

// The runner.

void SmallStateAccess::confine(Runner& runner, std::size_t slabs, Choices& choices, InfoPlaces& infos) {
  const CacheSpec& spec = runner.setup_.caches[0];
  RecordingBackend& backend = runner.backends_[0];
  // One page off, so that slabs of several pages are aligned to a page and to nothing more.
  const std::uintptr_t first_slab = runner.arena_.slabs(0) + Limits::max_page_size + spec.page_size;
  const std::uintptr_t first_info = runner.arena_.infos(0);
  const std::size_t info_size = runner.models_[0].layout.slab_info_size;
  confine(backend.slab_region_, first_slab, spec.slab_size, slabs, choices);
  confine(backend.info_region_, first_info, info_size, slabs, infos);
  infos.set_geometry(first_slab, spec.slab_size, first_info, info_size);
}

std::uintptr_t SmallStateAccess::slab_place(const Runner& runner, std::size_t index) {
  return place(runner.backends_[0].slab_region_, index);
}

std::uintptr_t SmallStateAccess::info_place(const Runner& runner, std::size_t index) {
  return place(runner.backends_[0].info_region_, index);
}

void SmallStateAccess::save(const Runner& runner, SmallState& state, SmallGuards& guards) {
  const RecordingBackend& backend = runner.backends_[0];
  save(backend, state);
  for (const LiveRange& range : runner.reference_.live()) {
    const std::size_t offset = range.begin - place(backend.slab_region_, 0);
    const Layout& layout = runner.models_[range.cache].layout;
    const std::size_t slab_size = runner.models_[range.cache].spec.slab_size;
    SmallState::Slab& slab = state.slabs[offset / slab_size];
    if (!slab.abandoned) slab.live |= static_cast<std::uint16_t>(1u << offset % slab_size / layout.stride);
  }
  for (std::size_t i = 0; i < Limits::max_caches; ++i)
    state.caches[i] = {runner.models_[i].current(), runner.models_[i].reserved_slabs};
  for (std::size_t i = 0; i < Limits::max_caches; ++i) {
    std::uint8_t rank = 0;
    for (const std::uintptr_t base : runner.models_[i].listed())
      state.slabs[(base - place(backend.slab_region_, 0)) / runner.models_[i].spec.slab_size].listed = ++rank & 0x7F;
  }
  save_guards(runner, guards);
}

void SmallStateAccess::save_guards(const Runner& runner, SmallGuards& guards) {
  guards = SmallGuards::none();
  const auto argument_of = [&runner](std::uintptr_t slot, std::uint8_t cache) {
    const std::size_t offset = slot - slab_place(runner, 0), slab_size = runner.models_[cache].spec.slab_size;
    return Transition::slot_argument(offset / slab_size, offset % slab_size / runner.models_[cache].layout.stride);
  };
  std::size_t objects = 0;
  for (std::uint8_t i = 0; i < Limits::max_caches; ++i) {
    guards.quarantined[i] = static_cast<std::uint8_t>(runner.models_[i].quarantine().size());
    for (const CacheModel::Quarantined& freed : runner.models_[i].quarantine())
      guards.quarantine[objects++] = argument_of(freed.object, i);
  }
  for (const StrayWrite& write : runner.stray_writes_) {  // there is one at most
    guards.written_slot = argument_of(write.slot, write.cache);
    guards.written_value = write.value;
    guards.written_offset = static_cast<std::uint16_t>(write.offset);
    guards.written_cache = write.cache;
    guards.is_behind_object = write.is_behind_object;
  }
}

void SmallStateAccess::load_guards(Runner& runner, const SmallGuards& guards) {
  const auto slab_of = [&runner](std::uint8_t argument) {
    return slab_place(runner, argument / SmallState::max_slots);
  };
  const auto slot_of = [&](std::uint8_t argument, std::uint8_t cache) {
    return slab_of(argument) + argument % SmallState::max_slots * runner.models_[cache].layout.stride;
  };
  const std::uint8_t* next = guards.quarantine;
  for (std::uint8_t i = 0; i < Limits::max_caches; ++i)
    for (std::uint8_t left = guards.quarantined[i]; left > 0; --left, ++next)
      runner.models_[i].quarantine({slot_of(*next, i), slab_of(*next)});
  if (guards.written_slot == SmallGuards::nothing) return;
  runner.stray_writes_.push_back({slot_of(guards.written_slot, guards.written_cache), guards.written_offset,
                                  guards.written_value, guards.written_cache, guards.is_behind_object != 0});
}

bool SmallStateAccess::called_backend(const Runner& runner) {
  return std::any_of(std::begin(runner.context_.calls), std::end(runner.context_.calls),
                     [](unsigned calls) { return calls > 0; });
}

void SmallStateAccess::call_back_later(Runner& runner, std::uint8_t cache, std::uint8_t call, std::uint8_t let_be) {
  runner.armed_reentry_[cache] = call;
  runner.calls_let_be_[cache] = let_be;
}

std::uint64_t SmallStateAccess::times_called_back(const Runner& runner) { return runner.times_called_back_; }

void SmallStateAccess::load(Runner& runner, const SmallState& state, const SmallGuards& guards) {
  runner.judgement_.reset();
  runner.reference_.reset();
  runner.live_.clear();
  runner.made_.clear();
  runner.stray_writes_.clear();
  runner.touched_.clear();
  runner.context_ = {};
  runner.due_change_ = {};
  report_log.clear();
  report_observer = nullptr;
  runner.step_ = 0;
  runner.calls_since_audit_ = 0;
  load(runner.backends_[0], state, guards, runner.models_);
  for (std::uint8_t i = 0; i < runner.setup_.cache_count; ++i) {
    runner.models_[i].clear();
    runner.models_[i].reserved_slabs = state.caches[i].reserved_slabs;
    runner.armed_reentry_[i] = runner.armed_answer_[i] = -1;
    runner.calls_let_be_[i] = 0;
  }
  for (const SlabRecord* const slab : runner.backends_[0].slabs()) {
    if (slab->abandoned) {
      (void)runner.reference_.admit({slab->base, slab->base + slab->size, no_ordinal, slab->cache});
      continue;
    }
    runner.touch(*slab);
    CacheModel& model = runner.models_[slab->cache];
    model.restore_slab(slab->used);
    if (state.caches[slab->cache].current == slab->base) model.restore_current(slab->base, slab->used);
    const std::size_t place = slab->generation - 1;
    for (std::size_t slot = 0; slot < model.layout.objects_per_slab; ++slot) {
      if (!(state.slabs[place].handed_out >> slot & 1)) continue;
      const auto ordinal = static_cast<std::uint32_t>(place * SmallState::max_slots + slot);
      const std::uintptr_t begin = slab->base + slot * model.layout.stride;
      runner.object(ordinal) = {begin,       slab->generation,          0, runner.incarnations_[slab->cache],
                                slab->cache, Runner::ObjectState::Dead, 0, 0};
      if (!(state.slabs[place].live >> slot & 1)) continue;
      (void)runner.reference_.admit({begin, begin + model.spec.object_size, ordinal, slab->cache});
      runner.object(ordinal) = {begin,
                                slab->generation,
                                static_cast<std::uint32_t>(runner.live_.size()),
                                runner.incarnations_[slab->cache],
                                slab->cache,
                                Runner::ObjectState::Live,
                                model.spec.object_size,
                                model.spec.object_size};
      runner.live_.push_back(ordinal);
    }
  }
  for (std::uint8_t rank = 1; rank <= SmallState::max_slabs; ++rank)
    for (const SmallState::Slab& slab : state.slabs)
      if (slab.holder != SmallState::nobody && slab.listed == rank)
        runner.models_[slab.holder].restore_listed(
            place(runner.backends_[0].slab_region_, static_cast<std::size_t>(&slab - state.slabs)));
  load_guards(runner, guards);
}

}  // namespace slabproof
