// What a slab cache has more of in a run, a step and a call.
#include "model/judge/runner.hpp"

#include "model/subject/report_log.hpp"

namespace slabproof {

bool Runner::start(const Setup& setup) {
  made_.clear();
  stray_writes_.clear();
  touched_.clear();
  calls_since_audit_ = 0;
  report_observer = nullptr;
  answering_ = Answering::No;
  return AnyRunner::start(setup);
}

bool Runner::finish() {
  for (int& armed : armed_answer_) armed = -1;  // it might free what is about to be freed
  return AnyRunner::finish();
}

void Runner::mark(StepKind kind) {
  erred_ = {};
  damaged_ = {};
  found_.clear();
  due_change_ = {};
  answered_ = {};
  AnyRunner::mark(kind);
}

void Runner::begin(OperationKind kind, std::uint8_t cache) {
  AnyRunner::begin(kind, cache);
  context_.cache = &models_[cache];
  context_.calls_of_row = calls_of(models_[cache].spec.row());
  report_log.clear();
}

void Runner::close() {
  RecordingBackend& backend = backend_of(context_.cache_index);
  for (const std::uintptr_t base : made_)
    if (SlabRecord* slab = backend.find(base)) slab->fresh = false;
  made_.clear();
  context_.cache = nullptr;
  AnyRunner::close();
}

void Runner::end() {
  if (!has_slabs_) return AnyRunner::end();
  const std::uint8_t cache = context_.cache_index;
  close();
  if (violated()) return;
  check_reports();
  if (models_[cache].slabs() <= deep_check_period || step_ % deep_check_period == 0 || is_strict())
    check_statistics(cache);
}

std::size_t Runner::shape_of_state(std::uint8_t cache) const {
  const CacheModel& model = models_[cache];
  const auto bucket = [](std::size_t count) { return count < 3 ? count : 3; };
  const slab::CacheStatistics slabs = model.statistics();
  const std::size_t of_slabs =
      (bucket(slabs.full_slabs) * 4 + bucket(slabs.partial_slabs)) * 4 + bucket(slabs.empty_slabs);
  return of_slabs * 4 + bucket(model.layout.objects_per_slab - 1);
}

}  // namespace slabproof
