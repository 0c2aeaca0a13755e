#include "model/judge/slab/misuse_oracle.hpp"

#include <cstddef>

namespace slabproof {

Invariant invariant_of(slab::Misuse kind) {
  switch (kind) {
    case slab::Misuse::DoubleFree: return Invariant::M1;
    case slab::Misuse::InteriorPointer: return Invariant::M2;
    case slab::Misuse::SlabInfoPointer: return Invariant::M3;
    case slab::Misuse::TailWastePointer: return Invariant::M4;
    case slab::Misuse::ForeignPointer: return Invariant::M5;
    case slab::Misuse::OtherCache: return Invariant::M6;
    case slab::Misuse::NeverAllocated: return Invariant::M7;
    case slab::Misuse::LiveAtDestruction: return Invariant::M9;
    case slab::Misuse::CorruptedFreeList: return Invariant::M11;
    case slab::Misuse::CorruptedSlabInfo: return Invariant::M14;
    case slab::Misuse::ReentrantCall: return Invariant::M12;
    case slab::Misuse::BackendFault: return Invariant::M13;
    case slab::Misuse::WriteBeyondObject: return Invariant::M15;
    case slab::Misuse::WriteAfterFree: return Invariant::M16;
  }
  return Invariant::M1;
}

namespace {

std::optional<MisuseOracle::Expected> is(slab::Misuse kind) { return MisuseOracle::Expected{kind, invariant_of(kind)}; }

}  // namespace

std::uintptr_t MisuseOracle::foreign_pointer(std::uint8_t cache, std::uint32_t pick) const {
  RecordingBackend& backend = backend_of(cache);
  const std::uintptr_t untouched = (backend.slab_region().untouched() + 4095) & ~std::uintptr_t{4095};
  std::uintptr_t left_behind = nowhere;  // by a destroyed cache
  for (const SlabRecord* const slab : backend.slabs())
    if (slab->abandoned) left_behind = slab->base;
  const std::uintptr_t choices[] = {nowhere, untouched + pick, arena_.cache(cache) + pick,
                                    arena_.slabs(1 - models_[cache].spec.backend) + pick, left_behind};
  return choices[pick % 5];
}

std::uintptr_t MisuseOracle::pointer_of(const Operation& operation, std::uint8_t cache, std::uintptr_t object) const {
  const std::uint32_t pick = operation.argument;
  const Layout& layout = models_[cache].layout;
  const std::size_t waste_begin = layout.objects_per_slab * layout.stride, info_begin = layout.slab_info_offset;
  const auto slab = [&]() -> const SlabRecord& { return *backend_of(cache).find(object); };
  switch (facts_of(operation.kind).stray) {
    case StrayPointer::None:
    case StrayPointer::WithWrongSize: return 0;  // of a slab cache neither
    case StrayPointer::Foreign: return foreign_pointer(cache, pick);
    case StrayPointer::DeadObject:
    case StrayPointer::OfOtherCache: return object;
    case StrayPointer::Interior: return object + 1 + pick * 31 % (layout.stride - 1);
    case StrayPointer::SlabInfo:
      return slab().size == info_begin ? 0 : slab().base + info_begin + pick % layout.slab_info_size;
    case StrayPointer::TailWaste:
      return waste_begin == info_begin ? 0 : slab().base + waste_begin + pick % (info_begin - waste_begin);
    case StrayPointer::NeverAllocated:
      for (std::size_t i = 0; i < layout.objects_per_slab; ++i)
        if (const std::size_t slot = (i + pick) % layout.objects_per_slab; !slab().handed_out[slot])
          return slab().base + slot * layout.stride;
      return 0;
  }
  return 0;
}

std::optional<MisuseOracle::Expected> MisuseOracle::expected(std::uint8_t cache, std::uintptr_t pointer) const {
  if (!pointer) return std::nullopt;
  const CacheModel& model = models_[cache];
  RecordingBackend& backend = backend_of(cache);
  const std::uintptr_t page = pointer & ~std::uintptr_t{model.spec.page_size - 1};
  const SlabRecord* const slab = backend.find(pointer);
  // What is in a damaged SlabInfo decides what is found first.
  const auto is_damaged = [&](const SlabRecord* one) { return one && one->damaged; };
  if (is_damaged(slab)) return std::nullopt;
  if (model.spec.row() == slab::Row::SmallSinglePage) {
    // The owner is read from the page's end, wherever the page came from.
    if (!slab) return std::nullopt;
    const CacheSpec& owner = models_[slab->cache].spec;
    if (owner.row() != slab::Row::SmallSinglePage || owner.slab_size != model.spec.slab_size) {
      const bool of_that_slab = page >= slab->base && page + model.spec.page_size <= slab->base + slab->size;
      return of_that_slab ? is(slab::Misuse::OtherCache) : std::nullopt;
    }
  } else {
    const bool is_mapped = slab && models_[slab->cache].spec.row() != slab::Row::SmallSinglePage;
    if (!backend.knows_page(page)) return is(slab::Misuse::ForeignPointer);
    if (!is_mapped) return std::nullopt;
    // Two caches on one backend may have pages of different sizes: the page that this cache asks for may then be of
    // another slab.
    if (const SlabRecord* const at_page = backend.find(page); at_page != slab) {
      const bool of_another = at_page && !is_damaged(at_page) && (at_page->cache != cache || at_page->abandoned);
      return of_another ? is(slab::Misuse::OtherCache) : std::nullopt;
    }
  }
  if (slab->cache != cache || slab->abandoned) return is(slab::Misuse::OtherCache);
  if (slab->set_aside) return std::nullopt;
  const std::size_t offset = pointer - slab->base, slot = offset / model.layout.stride;
  if (offset >= model.layout.slab_info_offset) return is(slab::Misuse::SlabInfoPointer);
  if (slot >= model.layout.objects_per_slab) return is(slab::Misuse::TailWastePointer);
  if (offset % model.layout.stride != 0) return is(slab::Misuse::InteriorPointer);
  if (!slab->handed_out[slot]) return is(slab::Misuse::NeverAllocated);
  const LiveRange* const live = reference_.find(pointer);
  return live && live->begin == pointer ? std::nullopt : is(slab::Misuse::DoubleFree);
}

}  // namespace slabproof
