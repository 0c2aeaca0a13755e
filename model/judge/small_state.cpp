// How the runner and its backend return to an earlier state of a small world.
#include "model/memory/small_state.hpp"

#include <bit>
#include <utility>

#include "model/judge/runner.hpp"
#include "model/memory/recording_backend.hpp"
#include "model/subject/report_log.hpp"

namespace slabproof {

void RecordingBackend::confine(std::size_t slabs, const CacheSpec& spec, Choices& choices) {
  // One page off, so that slabs of several pages are aligned to a page and to nothing more.
  const std::uintptr_t first = arena_.slabs(index_) + Limits::max_page_size + spec.page_size;
  slab_region_.confine(first, spec.slab_size, slabs, &choices);
  info_region_.confine(arena_.infos(index_), slab_info_bytes<std::size_t>(SmallState::max_slots), slabs, nullptr);
}

void RecordingBackend::save(SmallState& state) const {
  for (std::size_t i = 0; i < SmallState::max_slabs; ++i) state.slabs[i] = {0, 0, 0, 0, SmallState::nobody, 0};
  for (const SlabRecord* const slab : slabs_) {
    SmallState::Slab& saved = state.slabs[(slab->base - slab_region_.place(0)) / slab->size];
    saved = {slab->info, 0, 0, 0, slab->cache, slab->abandoned};
    for (std::size_t i = 0; i < slab->size / slab::Geometry::min_page_size; ++i)
      saved.saved_pages |=
          static_cast<std::uint16_t>((lookup(slab->base + i * slab::Geometry::min_page_size) != 0) << i);
    if (slab->abandoned) continue;
    for (std::size_t i = 0; i < slab->handed_out.size(); ++i)
      saved.handed_out |= static_cast<std::uint16_t>(slab->handed_out[i] << i);
  }
}

void RecordingBackend::load(const SmallState& state, const CacheModel* models) {
  std::uint32_t held = 0;
  slabs_.clear();
  infos_.clear();
  for (std::size_t i = 0; i < Limits::max_caches; ++i) slab_counts_[i] = info_counts_[i] = 0;
  failure_armed_ = false;
  calls_that_may_fail_ = 0;
  saved_pages_ = 0;
  slabs_made_ = SmallState::max_slabs;
  for (std::size_t i = 0; i < slab_region_.places(); ++i) {
    const SmallState::Slab& saved = state.slabs[i];
    const CacheModel& model = models[saved.holder == SmallState::nobody ? 0 : saved.holder];
    const std::uintptr_t base = slab_region_.place(i);
    for (std::size_t page = 0; page < model.spec.slab_size / slab::Geometry::min_page_size; ++page) {
      const bool is_saved = saved.saved_pages >> page & 1;
      entry(base + page * slab::Geometry::min_page_size) = is_saved ? saved.info : 0;
      saved_pages_ += is_saved;
    }
    if (saved.holder == SmallState::nobody) continue;
    held |= std::uint32_t{1} << i;
    SlabRecord& slab = slabs_.insert(base);
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
    if (!slab.abandoned) ++slab_counts_[slab.cache];
    if (model.spec.row() != slab::Row::Large) continue;
    const std::uintptr_t info = info_region_.place(i);
    infos_.insert(info) = {info, model.layout.slab_info_size, slab.abandoned ? no_cache : slab.cache, false, base};
    if (!slab.abandoned) ++info_counts_[slab.cache];
  }
  slab_region_.load(held);
  info_region_.load(infos_.size() > 0 ? held : 0);
}

void Runner::save(SmallState& state) const {
  const RecordingBackend& backend = backends_[0];
  backend.save(state);
  for (const LiveRange& range : reference_.live()) {
    const std::size_t offset = range.begin - backend.slab_region().place(0);
    const Layout& layout = models_[range.cache].layout;
    const std::size_t slab_size = models_[range.cache].spec.slab_size;
    SmallState::Slab& slab = state.slabs[offset / slab_size];
    if (!slab.abandoned) slab.live |= static_cast<std::uint16_t>(1u << offset % slab_size / layout.stride);
  }
  for (std::size_t i = 0; i < Limits::max_caches; ++i)
    state.caches[i] = {models_[i].current, models_[i].reserved_slabs};
}

void Runner::load(const SmallState& state) {
  judgement_.reset();
  reference_.reset();
  live_.clear();
  made_.clear();
  context_ = {};
  report_log.clear();
  step_ = 0;
  calls_since_audit_ = 0;
  backends_[0].load(state, models_);
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) {
    models_[i].clear();
    models_[i].current = state.caches[i].current;
    models_[i].reserved_slabs = state.caches[i].reserved_slabs;
    armed_reentry_[i] = -1;
  }
  for (const SlabRecord* const slab : backends_[0].slabs()) {
    if (slab->abandoned) {
      (void)reference_.admit({slab->base, slab->base + slab->size, no_ordinal, slab->cache});
      continue;
    }
    CacheModel& model = models_[slab->cache];
    model.slab_made();
    model.used_changed(0, slab->used);
    const std::size_t place = slab->generation - 1;
    for (std::size_t slot = 0; slot < model.layout.objects_per_slab; ++slot) {
      if (!(state.slabs[place].handed_out >> slot & 1)) continue;
      const auto ordinal = static_cast<std::uint32_t>(place * SmallState::max_slots + slot);
      const std::uintptr_t begin = slab->base + slot * model.layout.stride;
      object(ordinal) = {begin, slab->generation, 0, incarnations_[slab->cache], slab->cache, ObjectState::Dead};
      if (!(state.slabs[place].live >> slot & 1)) continue;
      (void)reference_.admit({begin, begin + model.spec.object_size, ordinal, slab->cache});
      object(ordinal) = {
          begin,       slab->generation, static_cast<std::uint32_t>(live_.size()), incarnations_[slab->cache],
          slab->cache, ObjectState::Live};
      live_.push_back(ordinal);
    }
  }
}

}  // namespace slabproof
