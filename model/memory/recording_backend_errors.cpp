// How a backend errs where its program says so, and how a cache must not heed it (M13).
#include "model/judge/slab/cache_model.hpp"
#include "model/memory/address.hpp"
#include "model/memory/recording_backend.hpp"

namespace slabproof {

void RecordingBackend::err(const Operation& operation) {
  is_error_armed_ = true;
  error_ = operation.error();
  calls_let_be_ = error_choice_ = operation.argument;
}

bool RecordingBackend::errs(BackendError how) {
  if (!is_error_armed_ || error_ != how) return false;
  if (calls_let_be_ > 0) return --calls_let_be_, false;
  is_error_armed_ = false;
  return true;
}

const SlabRecord* RecordingBackend::choose_used(const SlabRecord* but) const {
  // A damaged slab is not asked for one that a free needs, and of a damaged owner nobody knows whose slab it is.
  const auto may_be_damaged = !but && !context_.cache->has_damaged_owner();
  const auto may_be = [&](const SlabRecord* slab) {
    return slab != but && slab->cache == context_.cache_index && slab->used > 0 && !slab->abandoned && !slab->fresh &&
           (may_be_damaged || (!slab->damaged && !slab->set_aside));
  };
  std::uint32_t count = 0;
  for (const SlabRecord* const slab : slabs_) count += may_be(slab);
  if (count == 0) return nullptr;
  std::uint32_t left = error_choice_ % count;
  for (const SlabRecord* const slab : slabs_)
    if (may_be(slab) && left-- == 0) return slab;
  return nullptr;
}

// Expected from here on: null or false, and one report.
std::uintptr_t RecordingBackend::note(const Erred& erred) {
  const BackendCall call = erred.how == BackendError::InfoAgain ? BackendCall::AllocSlabInfo : BackendCall::AllocSlab;
  context_.erred = erred;
  context_.erred.let_be = context_.calls[static_cast<std::size_t>(call)] - 1;
  refuse(Invariant::M13);
  log_.backend_erred(arena_.relative(erred.given), erred.how);
  note_answer(arena_.relative(erred.given));
  return erred.given;
}

std::uintptr_t RecordingBackend::wrong_slab(std::size_t slab_size, std::size_t page_size) {
  if (!is_error_armed_ || !context_.may_err) return 0;
  const bool has_map = context_.cache->spec.row() != slab::Row::SmallSinglePage;
  if (const SlabRecord* const used = choose_used()) {
    // Without a map the cache looks at the SlabInfo.
    const std::size_t reported = has_map ? 0 : context_.cache->layout.slab_info_offset;
    if (errs(BackendError::SlabAgain))
      return note({BackendError::SlabAgain, used->base, slab_size, used->base + reported, used->base});
    const std::uintptr_t inside = used->base + page_size;
    if (slab_size > page_size && has_map && errs(BackendError::SlabInside))
      return note({BackendError::SlabInside, inside, slab_size, inside, used->base});
  }
  if (!has_map || slabs_.size() >= max_slabs || !errs(BackendError::EntryStale)) return 0;
  const std::uintptr_t block = slab_region_.take(slab_size, page_size);
  if (!block) return 0;
  const std::size_t offset = error_choice_ % (slab_size / page_size) * page_size;
  entry(block + offset) = block;
  ++saved_pages_;
  return note({BackendError::EntryStale, block, slab_size, block, 0, offset});
}

// The cache has seen it and leaves the slab alone, so it is the backend's again.
void RecordingBackend::forget_stale_entry() {
  Erred& erred = context_.erred;
  if (erred.how != BackendError::EntryStale) return;
  entry(erred.given + erred.offset) = 0;
  --saved_pages_;
  slab_region_.give(erred.given, erred.size);
}

std::uintptr_t RecordingBackend::wrong_info() {
  if (!is_error_armed_ || !context_.may_err) return 0;
  const SlabRecord* const used = choose_used();
  const InfoRecord* const info = used ? infos_.find(used->info) : nullptr;
  if (!info || !errs(BackendError::InfoAgain)) return 0;
  return note({BackendError::InfoAgain, info->base, info->size, info->base, used->base});
}

Erred RecordingBackend::err_about(const SlabRecord& slab, std::uintptr_t object) {
  const SlabRecord* const other = is_error_armed_ ? choose_used(&slab) : nullptr;
  if (errs(BackendError::EntryLost)) {
    is_lie_due_ = true;
    lie_ = 0;
    return {BackendError::EntryLost, 0, 0, object};
  }
  if (!other || !errs(BackendError::EntryWrong)) return {};
  is_lie_due_ = true;
  lie_ = other->info;
  return {BackendError::EntryWrong, 0, 0, object, other->base};
}

void RecordingBackend::check_made_after_error(BackendCall call) {
  using enum BackendCall;
  if (context_.erred.reported == 0 || (call != AllocSlab && call != AllocSlabInfo && call != SaveSlabInfo)) return;
  judgement_.violate(Invariant::M13, Cause::ErrorOfBackendHeeded, "no slab made of what the cache or the map knows",
                     to_string(call));
}

void RecordingBackend::check_heeded(std::uintptr_t given_back) {
  if (context_.erred.reported == 0 || given_back != context_.erred.given) return;
  judgement_.violate(Invariant::M13, Cause::ErrorOfBackendHeeded, "what was handed out by mistake left alone",
                     "given back");
}

}  // namespace slabproof
