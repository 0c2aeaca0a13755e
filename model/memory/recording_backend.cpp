#include "model/memory/recording_backend.hpp"

#include <string>
#include <utility>

#include "model/judge/slab/cache_model.hpp"
#include "model/memory/address.hpp"
#include "model/memory/sanitizer.hpp"

namespace slabproof {

const char* to_string(BackendCall call) {
  constexpr const char* names[] = {
      "alloc_slab",      "free_slab",      "save_slab_info", "get_slab_info", "delete_slab_info",
      "alloc_slab_info", "free_slab_info", "take",           "give",          "refuse"};
  return names[static_cast<std::size_t>(call)];
}

RecordingBackend::RecordingBackend(Arena& arena, std::uint8_t index, Judgement& judgement, EventLog& log,
                                   CallContext& context, BackendObserver& observer)
    : arena_{arena},
      index_{index},
      judgement_{judgement},
      log_{log},
      context_{context},
      observer_{observer},
      slab_region_{arena.slabs(index), arena.slab_bytes()},
      info_region_{arena.infos(index), Arena::info_region},
      page_map_(Arena::slab_region / slab::Geometry::min_page_size) {}

void RecordingBackend::reset(const BackendSpec& spec) {
  for (std::size_t i = 0; saved_pages_ > 0; ++i) {  // an earlier program left them
    if (page_map_[i] != 0) --saved_pages_;
    page_map_[i] = 0;
  }
  slab_region_.reset(spec);
  info_region_.reset(spec);
  slabs_.clear();
  infos_.clear();
  memory_.clear();
  for (std::size_t i = 0; i < Limits::max_caches; ++i) slab_counts_[i] = info_counts_[i] = memory_counts_[i] = 0;
  injection_.disarm();
  is_error_armed_ = is_lie_due_ = false;
  calls_that_may_fail_ = 0;
  slabs_made_ = 0;
}

// Every call begins here: may the backend be called now, and by this row?
void RecordingBackend::enter(BackendCall call, std::uint64_t a, std::uint64_t b) {
  log_.called(call, index_, a, b);
  note_call(call, a, b);
  const bool anybody = context_.cache && !context_.constructing && !context_.reentering &&
                       context_.misuse == Invariant::None && context_.operation != OperationKind::AllocNoGrow &&
                       context_.operation != OperationKind::FreeNull;
  if (!anybody || !(context_.calls_of_row >> static_cast<unsigned>(call) & 1)) blame_caller(call);
  check_made_after_error(call);
  ++context_.calls[static_cast<std::size_t>(call)];
  observer_.on_backend_call(call);
}

void RecordingBackend::blame_caller(BackendCall call) {
  if (context_.constructing)
    return judgement_.violate(Invariant::B17, Cause::CalledBackend, "no backend call during construction",
                              to_string(call));
  if (context_.reentering)
    return judgement_.violate(Invariant::M12, Cause::CalledBackend, "a re-entrant call to touch nothing",
                              to_string(call));
  if (!context_.cache)
    return judgement_.violate(Invariant::B20, Cause::CalledBackend, "no backend call", to_string(call));
  if (context_.operation == OperationKind::AllocNoGrow)
    return judgement_.violate(Invariant::B20, Cause::CalledBackend, "alloc_no_grow to make no backend call",
                              to_string(call));
  if (context_.misuse != Invariant::None && call != BackendCall::GetSlabInfo)
    return judgement_.violate(context_.misuse, Cause::CalledBackend, "a misuse to change nothing", to_string(call));
  if (context_.operation == OperationKind::FreeNull)
    return judgement_.violate(Invariant::M10, Cause::CalledBackend, "free of null to do nothing", to_string(call));
  if (context_.calls_of_row >> static_cast<unsigned>(call) & 1) return;
  if (context_.cache->spec.row() == slab::Row::SmallSinglePage)
    judgement_.violate(Invariant::B4, Cause::CalledBackend, "a SmallSinglePage cache to need slabs only",
                       to_string(call));
  else
    judgement_.violate(Invariant::B5, Cause::CalledBackend, "a SmallMultiPage cache to need no SlabInfo memory",
                       to_string(call));
}

void RecordingBackend::check_sizes(std::size_t slab_size, std::size_t page_size) {
  if (!context_.cache) return;
  const CacheSpec& spec = context_.cache->spec;
  if (slab_size != spec.slab_size || page_size != spec.page_size)
    judgement_.violate(Invariant::B1, Cause::WrongSize,
                       std::to_string(spec.slab_size) + ", " + std::to_string(spec.page_size),
                       std::to_string(slab_size) + ", " + std::to_string(page_size));
}

Injection::Outcome RecordingBackend::injected(FailingCall call) {
  ++calls_that_may_fail_;
  if (context_.constructing && !context_.may_fail_to_construct) return Injected::None;
  return injection_.outcome_of(call);
}

void* RecordingBackend::alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
  enter(BackendCall::AllocSlab, slab_size, page_size);
  check_sizes(slab_size, page_size);
  if (judgement_.violated()) return nullptr;
  const CacheModel& cache = *context_.cache;
  if (context_.operation == OperationKind::Alloc) {
    if (context_.calls[static_cast<std::size_t>(BackendCall::AllocSlab)] > 1)
      judgement_.violate(Invariant::B2, Cause::CalledTwice, "alloc_slab at most once an alloc", "a second call");
    if (cache.free_objects() > 0)
      judgement_.violate(Invariant::B2, Cause::SlabNotNeeded, "no alloc_slab while a slab has a free object",
                         std::to_string(cache.free_objects()) + " free");
  } else if (context_.operation == OperationKind::Reserve) {
    if (context_.has_said_no)
      judgement_.violate(Invariant::B20, Cause::ServedAfterFailure, "false at once when can_make_slabs is false",
                         "a call for a slab");
    if (cache.free_objects() >= context_.wanted)
      judgement_.violate(Invariant::B2, Cause::SlabNotNeeded, "no alloc_slab when enough objects are free",
                         std::to_string(cache.free_objects()) + " free");
  } else {
    judgement_.violate(Invariant::B2, Cause::WrongOperation, "alloc_slab from alloc and reserve only",
                       "a call from another operation");
  }
  const Injected how = injected(FailingCall::AllocSlab);
  if (how == Injected::None)
    if (const std::uintptr_t wrong = wrong_slab(slab_size, page_size)) return pointer(wrong);
  // A misaligned slab is half a page off inside a block with room for it.
  const std::size_t size = how == Injected::Misalign ? 2 * slab_size : slab_size;
  const bool refused = how == Injected::Refuse || slabs_.size() >= max_slabs;
  const std::uintptr_t block = refused ? 0 : slab_region_.take(size, page_size);
  if (!block) {
    refuse(Invariant::B15);
    return nullptr;
  }
  const bool misaligned = how == Injected::Misalign;
  const std::uintptr_t base = misaligned ? block + page_size / 2 : block;
  SlabRecord& slab = slabs_.insert(base);
  slab = {.base = base,
          .size = slab_size,
          .cache = context_.cache_index,
          .misaligned = misaligned,
          .generation = ++slabs_made_,
          .handed_out = std::move(slab.handed_out)};
  slab.handed_out.assign(cache.layout.objects_per_slab, false);
  if (misaligned) refuse(Invariant::G2);
  ++slab_counts_[context_.cache_index];
  if (!slab.misaligned) observer_.on_slab_made(slab);
  log_.slab_given(arena_.relative(slab.base));
  note_answer(arena_.relative(slab.base));
  return pointer(slab.base);
}

bool RecordingBackend::can_make_slabs(const slab::Geometry& geometry, std::size_t count) noexcept {
  if (judgement_.violated()) return false;
  const CacheModel* const cache = context_.cache;
  if (!cache || context_.reentering || context_.operation != OperationKind::Reserve) {
    judgement_.violate(Invariant::B20, Cause::WrongOperation, "can_make_slabs asked by reserve only", "another call");
    return false;
  }
  if (layout_in(geometry) != cache->layout || geometry.slab_size() != cache->spec.slab_size)
    judgement_.violate(Invariant::B20, Cause::OtherArguments, "can_make_slabs asked of the cache's geometry",
                       "another one");
  if (context_.is_asked || context_.calls[static_cast<std::size_t>(BackendCall::AllocSlab)] > 0)
    judgement_.violate(Invariant::B20, Cause::CalledTwice, "can_make_slabs asked once, before the first alloc_slab",
                       "asked again or later");
  const std::size_t missing = cache->missing_slabs(context_.wanted);
  if (missing > ~std::size_t{0} / cache->spec.slab_size - cache->slabs())
    judgement_.violate(Invariant::B20, Cause::CalledBackend, "false at once for more slabs than there are addresses",
                       "can_make_slabs asked");
  if (count != missing)
    judgement_.violate(Invariant::B20, Cause::WrongCount, "can_make_slabs asked of " + std::to_string(missing),
                       std::to_string(count));
  context_.is_asked = true;
  if (judgement_.violated() || count <= max_slabs - slabs_.size()) return !judgement_.violated();
  context_.has_said_no = true;
  refuse(Invariant::B20);
  return false;
}

void RecordingBackend::free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
  enter(BackendCall::FreeSlab, arena_.relative(address(slab)));
  check_sizes(slab_size, page_size);
  check_heeded(address(slab));
  SlabRecord* const found = slabs_.at(address(slab));
  if (!found || found->abandoned || found->cache != context_.cache_index)
    judgement_.violate(Invariant::B3, Cause::NotOutstanding, "free_slab of an outstanding slab of this cache",
                       "another pointer");
  if (judgement_.violated()) return;
  SlabRecord& record = *found;
  const std::size_t size = context_.cache->spec.slab_size;
  if (record.saved_pages != 0)
    judgement_.violate(record.save_refused ? Invariant::B8 : Invariant::B13, Cause::PageStillSaved,
                       "every page deleted before free_slab",
                       std::to_string(record.saved_pages) + " pages still saved");
  if (!is_open(record.base, record.size))
    judgement_.violate(Invariant::B19, Cause::LeftPoisoned, "a slab that its next user may touch",
                       "poisoned bytes in it");
  if (record.misaligned) {
    slab_region_.give(record.base - page_size / 2, 2 * size);
  } else {
    observer_.on_slab_released(record);
    slab_region_.give(record.base, size);
  }
  slabs_.erase(record);
  --slab_counts_[context_.cache_index];
}

std::uintptr_t RecordingBackend::lookup(std::uintptr_t page_addr) const {
  const std::uintptr_t offset = page_addr - arena_.slabs(index_);
  return offset < Arena::slab_region ? page_map_[offset / slab::Geometry::min_page_size] : 0;
}

std::uintptr_t& RecordingBackend::entry(std::uintptr_t page_addr) {
  return page_map_[(page_addr - arena_.slabs(index_)) / slab::Geometry::min_page_size];
}

bool RecordingBackend::save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
  enter(BackendCall::SaveSlabInfo, arena_.relative(page_addr), arena_.relative(address(info)));
  SlabRecord* const slab = find(page_addr);
  if (!slab || slab->cache != context_.cache_index || slab->abandoned)
    judgement_.violate(Invariant::B9, Cause::PageOutsideSlab, "pages of this cache's slabs saved",
                       "a page outside them");
  if (judgement_.violated()) return false;
  if (slab->misaligned)
    judgement_.violate(Invariant::G2, Cause::MisalignedSlabUsed, "a misaligned slab to go straight back",
                       "a page of it saved");
  if (page_addr % context_.cache->spec.page_size != 0)
    judgement_.violate(Invariant::B9, Cause::AddressInsidePage, "page addresses saved", "an address inside a page");
  const std::uintptr_t saved = lookup(page_addr);
  if (saved != 0 && saved != address(info))
    judgement_.violate(Invariant::B10, Cause::PageChanged, "a page's value to stay while its slab lives",
                       "another SlabInfo saved over it");
  if (saved != 0 || !slab->fresh)
    judgement_.violate(Invariant::B9, Cause::PageSavedAgain, "each page saved once, when its slab is made",
                       "saved again");
  if (slab->info != 0 && slab->info != address(info))
    judgement_.violate(Invariant::B9, Cause::TwoSlabInfos, "all pages of a slab saved with its one SlabInfo",
                       "two different ones");
  if (!judgement_.violated() && slab->saved_pages == 0 && !info_belongs(*slab, address(info))) return false;
  if (judgement_.violated()) return false;
  if (injected(FailingCall::SaveSlabInfo) == Injected::Refuse) {
    refuse(Invariant::B8);
    slab->save_refused = true;
    return false;
  }
  entry(page_addr) = address(info);
  ++saved_pages_;
  slab->info = address(info);
  ++slab->saved_pages;
  note_answer(1);
  return true;
}

// Whether `info` is where this slab's SlabInfo must be; reports a violation if not.
bool RecordingBackend::info_belongs(const SlabRecord& slab, std::uintptr_t info) {
  const CacheModel& cache = *context_.cache;
  if (cache.spec.type == slab::ObjectSizeType::Small) {
    const std::uintptr_t offset = info - slab.base;
    if (offset < cache.layout.slab_info_offset || offset >= cache.spec.slab_size)
      judgement_.violate(find(info) ? Invariant::L8 : Invariant::G3, Cause::SlabInfoMisplaced,
                         "SlabInfo to be the last thing in its own slab", "offset " + std::to_string(offset));
    return !judgement_.violated();
  }
  const SlabRecord* const inside = find(info);
  if (inside && !inside->misaligned)
    judgement_.violate(Invariant::G10, Cause::SlabInfoMisplaced, "SlabInfo outside every slab", "inside one");
  InfoRecord* const block = infos_.find(info);
  if (!block || block->cache != slab.cache || block->misaligned)
    judgement_.violate(Invariant::B6, Cause::SlabInfoMisplaced, "SlabInfo in memory that alloc_slab_info gave",
                       "elsewhere");
  else if (block->slab != 0 && block->slab != slab.base)
    judgement_.violate(Invariant::L8, Cause::SlabInfoShared, "a SlabInfo of its own for each slab",
                       "one that another slab's pages map to");
  else
    block->slab = slab.base;
  return !judgement_.violated();
}

slab::SlabInfo* RecordingBackend::get_slab_info(std::uintptr_t page_addr) noexcept {
  // Of a slab that is being made: a question, as can_make_slabs.
  if (const SlabRecord* const made = find(page_addr); made && made->fresh && made->saved_pages == 0 &&
                                                      made->cache == context_.cache_index && context_.freed == 0 &&
                                                      context_.cache->spec.row() != slab::Row::SmallSinglePage)
    return reinterpret_cast<slab::SlabInfo*>(lookup(page_addr));
  if (context_.freed == 0 && is_of_error(page_addr)) {
    const std::uintptr_t known = lookup(page_addr);
    if (known != 0) forget_stale_entry();
    return reinterpret_cast<slab::SlabInfo*>(known);
  }
  enter(BackendCall::GetSlabInfo, arena_.relative(page_addr));
  if (judgement_.violated()) return nullptr;
  const std::uintptr_t page = context_.freed & ~std::uintptr_t{context_.cache->spec.page_size - 1};
  if (context_.freed == 0 || page_addr != page)
    judgement_.violate(Invariant::B11, Cause::WrongPage, "get_slab_info of the page that was given to free",
                       "another address");
  if (context_.calls[static_cast<std::size_t>(BackendCall::GetSlabInfo)] > 1)
    judgement_.violate(Invariant::B11, Cause::CalledTwice, "get_slab_info at most once a free", "a second call");
  const std::uintptr_t info = std::exchange(is_lie_due_, false) ? lie_ : lookup(page_addr);
  if (info) note_answer(arena_.relative(info));
  return reinterpret_cast<slab::SlabInfo*>(info);
}

void RecordingBackend::delete_slab_info(std::uintptr_t page_addr) noexcept {
  enter(BackendCall::DeleteSlabInfo, arena_.relative(page_addr));
  SlabRecord* const slab = find(page_addr);
  if (!slab || slab->abandoned || slab->cache != context_.cache_index || lookup(page_addr) == 0)
    judgement_.violate(Invariant::B12, Cause::NotOutstanding, "delete of a saved page of this cache, once",
                       "a page that is not saved");
  if (judgement_.violated()) return;
  entry(page_addr) = 0;
  --saved_pages_;
  --slab->saved_pages;
}

void* RecordingBackend::alloc_slab_info(std::size_t size) noexcept {
  enter(BackendCall::AllocSlabInfo, size);
  if (judgement_.violated()) return nullptr;
  if (size != context_.cache->layout.slab_info_size)
    judgement_.violate(Invariant::B6, Cause::WrongSize,
                       "SlabInfos of " + std::to_string(context_.cache->layout.slab_info_size) + " bytes",
                       std::to_string(size));
  if (infos_of(context_.cache_index) >= slab_counts_[context_.cache_index])
    judgement_.violate(Invariant::B6, Cause::CalledTwice, "alloc_slab_info once a slab, after its alloc_slab",
                       "one too many");
  const Injected how = injected(FailingCall::AllocSlabInfo);
  if (how == Injected::None)
    if (const std::uintptr_t wrong = wrong_info()) return pointer(wrong);
  const bool misalign = how == Injected::Misalign;
  const std::uintptr_t block = how == Injected::Refuse ? 0 : info_region_.take(size + (misalign ? 8 : 0), 8);
  if (!block || misalign) refuse(misalign && block ? Invariant::B6 : Invariant::B7);
  if (!block) return nullptr;
  const std::uintptr_t info = misalign ? block + 4 : block;
  infos_.insert(info) = {info, size, context_.cache_index, misalign};
  ++info_counts_[context_.cache_index];
  log_.slab_info_given(arena_.relative(info));
  note_answer(arena_.relative(info));
  return pointer(info);
}

void RecordingBackend::free_slab_info(void* info, std::size_t size) noexcept {
  enter(BackendCall::FreeSlabInfo, arena_.relative(address(info)), size);
  check_heeded(address(info));
  InfoRecord* const found = infos_.at(address(info));
  if (!found || found->cache != context_.cache_index || found->size != size)
    judgement_.violate(Invariant::B14, Cause::NotOutstanding,
                       "an outstanding SlabInfo of this cache freed with its size", "another pointer or size");
  if (judgement_.violated()) return;
  if (!is_open(address(info), size))
    judgement_.violate(Invariant::B19, Cause::LeftPoisoned, "SlabInfo memory that its next user may touch",
                       "poisoned bytes in it");
  if (const SlabRecord* const slab = slabs_.at(found->slab)) {
    if (slab->saved_pages != 0)
      judgement_.violate(slab->save_refused ? Invariant::B8 : Invariant::B13, Cause::PageStillSaved,
                         "every page deleted before free_slab_info", "pages still saved");
    if (slab->used != 0)
      judgement_.violate(Invariant::G8, Cause::LiveObjectsReturned, "the SlabInfo of live objects kept", "freed");
  }
  info_region_.give(address(info) - (found->misaligned ? 4 : 0), size + (found->misaligned ? 8 : 0));
  infos_.erase(*found);
  --info_counts_[context_.cache_index];
}

void* RecordingBackend::take_memory(std::size_t size, std::size_t align) noexcept {
  if (!context_.is_under_way)
    judgement_.violate(Invariant::B20, Cause::CalledBackend, "no backend call", "take_memory");
  if (judgement_.violated()) return nullptr;
  const std::uintptr_t block =
      injected(FailingCall::AllocSlab) == Injected::Refuse ? 0 : slab_region_.take(size, align);
  log_.memory_given(size, block ? arena_.relative(block) : 0);
  note_call(BackendCall::TakeMemory, size, align, block ? arena_.relative(block) : 0);
  if (!block) return refuse(Invariant::B15), nullptr;
  MemoryRecord& record = memory_.insert(block);
  record = {.base = block, .size = size, .cache = context_.cache_index};
  ++memory_counts_[record.cache];
  return pointer(block);
}

void RecordingBackend::give_memory(void* memory) noexcept {
  MemoryRecord* const record = memory_.at(address(memory));
  if (!record || !context_.is_under_way || record->cache != context_.cache_index)
    judgement_.violate(Invariant::B3, Cause::NotOutstanding, "outstanding memory of this subject given back",
                       "another pointer");
  if (judgement_.violated()) return;
  log_.memory_returned(arena_.relative(record->base));
  note_call(BackendCall::GiveMemory, arena_.relative(record->base));
  --memory_counts_[record->cache];
  slab_region_.give(record->base, record->size);
  memory_.erase(*record);
}

bool RecordingBackend::refuses_call() noexcept {
  const bool is_refused = injected(FailingCall::AllocSlab) == Injected::Refuse;
  if (is_refused) note_call(BackendCall::RefuseMemory), refuse(Invariant::B15);
  return is_refused;
}

bool RecordingBackend::is_memory_of(std::uint8_t cache, std::uintptr_t begin, std::size_t size) {
  const MemoryRecord* const record = memory_.find(begin);
  return record && record->cache == cache && size <= record->base + record->size - begin;
}

void RecordingBackend::abandon(SlabRecord& slab) {
  slab.abandoned = true;
  --slab_counts_[slab.cache];
  for (InfoRecord* const info : infos_) {
    if (info->slab != slab.base) continue;
    info->cache = no_cache;
    --info_counts_[slab.cache];
  }
}

}  // namespace slabproof
