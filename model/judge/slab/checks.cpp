// The checks of a slab cache between operations: audit(), statistics, reports, and which bytes are open.
#include "model/judge/runner.hpp"

#include <algorithm>
#include <string>

#include "model/memory/address.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/subject/report_log.hpp"

namespace slabproof {

std::size_t Runner::cost_of_audit(std::uint8_t cache) const {
  const std::size_t slabs = models_[cache].slabs(), slots = slabs * models_[cache].layout.objects_per_slab;
  return slabs + std::min<std::size_t>(slots, step_);  // no more were ever handed out
}

// M13: what the backend got wrong is reported once.
void Runner::judge_error() {
  expect({Invariant::M13, Cause::WrongReport, "one report of BackendFault"});
  if (report_log.size() != 1) return violate_expected(std::to_string(report_log.size()) + " reports");
  const slab::MisuseReport report = report_log.front();
  report_log.clear();
  if (report.kind != slab::Misuse::BackendFault) return violate_expected(slab::to_string(report.kind));
  if (report.pointer != pointer(erred_.reported) || report.cache != subjects_[context_.cache_index]->identity())
    violate(Invariant::M13, Cause::WrongReport, "what was handed out and the cache in the report", "others");
}

void Runner::check_reports() {
  if (context_.erred.reported != 0) return judge_error();
  if (report_log.empty()) return;
  const slab::Misuse kind = report_log.front().kind;
  const bool is_of_damage = models_[context_.cache_index].damaged() != 0 || !found_.empty();
  violate(is_of_damage ? Invariant::M14 : invariant_of(kind), Cause::UnexpectedReport, "no misuse report",
          slab::to_string(kind));
}

void Runner::check_statistics(std::uint8_t cache, Invariant misused) {
  const CacheModel& model = models_[cache];
  const std::size_t slabs = model.slabs() + model.set_aside_slabs();
  if (model.spec.row() == slab::Row::Large && backend_of(cache).infos_of(cache) != slabs)
    violate(Invariant::B14, Cause::WrongSlabInfoCount, std::to_string(slabs) + " SlabInfos, one a slab",
            std::to_string(backend_of(cache).infos_of(cache)));
  if (!subjects_[cache]->abilities().statistics) return;
  const slab::CacheStatistics expected = model.statistics();
  const Expectation before =
      expect({Invariant::S3, Cause::WrongAllocatedCount, live_objects, expected.allocated_objects});
  const slab::CacheStatistics actual = subjects_[cache]->statistics();
  if (actual == expected) return void(expect(before));
  const bool are_slabs_counted =
      actual.full_slabs == expected.full_slabs && actual.partial_slabs == expected.partial_slabs &&
      actual.empty_slabs == expected.empty_slabs && actual.set_aside_slabs == expected.set_aside_slabs;
  if (misused == Invariant::None && are_slabs_counted && actual.allocated_objects != expected.allocated_objects)
    return violate_expected(std::to_string(actual.allocated_objects));
  if (misused != Invariant::None) return violate(misused, Cause::ChangedByMisuse, describe(expected), describe(actual));
  violate(are_slabs_counted ? Invariant::S1 : Invariant::S2, Cause::WrongStatistics, describe(expected),
          describe(actual));
}

// What audit() found, but for the damage that it must find.
Invariant Runner::audit_failure(std::uint8_t cache) const {
  const Invariant failed = subjects_[cache]->audit();
  const CacheModel& model = models_[cache];
  if (model.damaged() == 0) return failed;
  if (failed == Invariant::None) return model.is_healing() ? failed : Invariant::M14;
  return failed == Invariant::L9 ? Invariant::None : failed;
}

void Runner::check_audit(std::uint8_t cache) {
  if (violated()) return;
  expect({Invariant::OfAudit, Cause::AuditFailed, "audit() to hold"});
  if (const Invariant failed = audit_failure(cache); failed == Invariant::M14)
    violate(failed, Cause::AuditFailed, "audit() to see the damaged SlabInfo", "it holds");
  else if (failed != Invariant::None || !stray_writes_.empty())
    judge_audit(cache, failed);
  check_statistics(cache);
  if (has_asan && subjects_[cache]->abilities().poisons) check_poisoning(cache);
}

// M11, of each byte that objects could lie in, in the slabs that were touched since. Objects need not be asked about:
// check_contents() has read them, which AddressSanitizer watches.
void Runner::check_poisoning(std::uint8_t cache) {
  std::sort(touched_.begin(), touched_.end());
  touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
  std::erase_if(touched_, [&](const Touched& touched) {
    if (touched.cache != cache) return false;
    const SlabRecord* const slab = backend_of(cache).find(touched.slab);
    const bool is_there = slab && slab->base == touched.slab && slab->cache == cache && !slab->abandoned &&
                          !slab->set_aside;  // whose objects stay open when they are freed
    if (is_there && !violated()) check_poisoning(models_[cache], *slab);
    return true;
  });
}

void Runner::check_poisoning(const CacheModel& model, const SlabRecord& slab) {
  const std::uintptr_t end = slab.base + model.layout.slab_info_offset;
  std::uintptr_t closed = slab.base;
  const auto are_closed_until = [&](std::uintptr_t next) {
    const std::uintptr_t open = find_open(closed, next);
    if (open != next) judge_open(model, slab, open);
    return open == next;
  };
  const auto& live = reference_.live();
  for (auto object = live.lower_bound({slab.base, 0, 0, 0}); object != live.end() && object->begin < end; ++object) {
    if (!are_closed_until(object->begin)) return;
    closed = object->end;
  }
  (void)are_closed_until(end);
}

}  // namespace slabproof
