#include "fuzz/replay/recording.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "model/process/cannot_judge.hpp"

namespace slabproof {
namespace {

/// A snapshot in memory that a child shares with its parent.
struct SharedSnapshot {
  std::size_t slabs, live;
  Snapshot::Slab slab[Limits::max_backends * max_slabs];
  Snapshot::Object object[Limits::max_live_objects];
  slab::CacheStatistics statistics[Limits::max_caches];
  std::size_t kept_slabs[Limits::max_caches];
  std::uintptr_t quarantine[Limits::max_caches][facts_of(Guards::Debug).quarantine_objects];
  std::size_t quarantined[Limits::max_caches];
  bool has_stray_writes[Limits::max_caches];

  void take(Runner& runner) {
    slabs = live = 0;
    for (std::uint8_t b = 0; b < runner.setup().backend_count; ++b)
      for (const SlabRecord* const record : runner.backend(b).slabs())
        if (!record->misaligned) {
          const CacheModel& model = runner.cache_model(record->cache);
          const bool is_next = !model.listed().empty() && model.listed().back() == record->base;
          slab[slabs++] = {record->base,
                           record->size,
                           record->used,
                           record->cache,
                           b,
                           record->abandoned,
                           !record->abandoned && model.current() == record->base,
                           record->set_aside,
                           !record->abandoned && is_next,
                           record->abandoned ? 0 : model.quarantined_in(record->base)};
        }
    for (const LiveRange& range : runner.reference().live())
      if (range.ordinal != no_ordinal) object[live++] = {range.begin, range.ordinal, range.cache};
    for (std::size_t i = 0; i < runner.setup().cache_count; ++i) {
      statistics[i] = runner.cache_model(i).statistics();
      kept_slabs[i] = runner.cache_model(i).kept_slabs();
      quarantined[i] = 0;
      for (const CacheModel::Quarantined& freed : runner.cache_model(i).quarantine())
        quarantine[i][quarantined[i]++] = freed.object;
      has_stray_writes[i] = runner.has_stray_writes(static_cast<std::uint8_t>(i));
    }
  }
  [[nodiscard]] Snapshot get() const {
    Snapshot snapshot{{slab, slab + slabs}, {object, object + live}, {}, {}, {}, {}};
    std::sort(snapshot.live.begin(), snapshot.live.end(),
              [](const auto& a, const auto& b) { return a.ordinal < b.ordinal; });
    std::copy(std::begin(statistics), std::end(statistics), snapshot.statistics);
    std::copy(std::begin(kept_slabs), std::end(kept_slabs), snapshot.kept_slabs);
    std::copy(std::begin(has_stray_writes), std::end(has_stray_writes), snapshot.has_stray_writes);
    for (std::size_t i = 0; i < Limits::max_caches; ++i)
      snapshot.quarantine[i].assign(quarantine[i], quarantine[i] + quarantined[i]);
    return snapshot;
  }
};

struct Shared {
  bool taken[max_recorded_operations];
  std::size_t objects;
  Snapshot::Object object[max_recorded_operations];
  ErrorOfBackend error[max_recorded_operations];
  DamageOfStep damage[max_recorded_operations];
  std::size_t found_at_end;
  Change change[max_recorded_operations];
  Answered answer[max_recorded_operations];
  SharedSnapshot before, after, at_misuse;
};

/// An object that lives in a slab.
std::uint32_t object_in(std::uintptr_t slab, const Runner& runner) {
  for (const LiveRange& range : runner.reference().live())
    if (range.begin >= slab && range.ordinal != no_ordinal) return range.ordinal;
  return no_ordinal;
}

/// The child's part: takes a snapshot after each step.
class Observer {
 public:
  explicit Observer(Shared& shared) : shared_{shared} {}
  void operator()(Runner& runner, const Operation* operation) {
    if (operation) {
      shared_.change[steps_] = runner.due_change();
      shared_.error[steps_].erred = runner.erred();
      shared_.error[steps_].object = object_in(runner.erred().slab, runner);
      note_damage(runner, shared_.damage[steps_]);
      shared_.answer[steps_] = runner.answered();
      shared_.taken[steps_++] = runner.operations() > operations_;
    } else {
      shared_.found_at_end = runner.found().size();
    }
    operations_ = runner.operations();
    (runner.verdict().agreed() ? shared_.before : shared_.after).take(runner);
    if (operation && makes_object(operation->kind))
      for (const LiveRange& range : runner.reference().live())
        if (range.ordinal == operation->object)
          shared_.object[shared_.objects++] = {range.begin, range.ordinal, range.cache};
  }

 private:
  static void note_damage(const Runner& runner, DamageOfStep& damage) {
    damage.done = runner.damaged();
    damage.other = object_in(damage.done.other, runner);
    if (!runner.found().empty()) damage.found = runner.found().front();
    for (std::size_t c = 0; c < runner.setup().cache_count; ++c)
      damage.is_pending[c] = runner.cache_model(c).damaged() != 0;
  }

  Shared& shared_;
  std::size_t steps_ = 0;
  std::uint64_t operations_ = 0;
};

}  // namespace

Recording record(Runner& runner, const Program& program) {
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) cannot_judge(std::strerror(errno));
  auto& shared = *new (memory) Shared{};
  IsolationOptions options;
  Observer observer{shared};
  options.after_step = [&](Runner& running, const Operation* operation) { observer(running, operation); };
  Recording recording{.run = run_isolated(runner, program, options),
                      .taken = {},
                      .strays = {},
                      .errors = {},
                      .damages = {},
                      .changes = {},
                      .answers = {},
                      .objects = {},
                      .before = shared.before.get(),
                      .after = shared.after.get()};
  const std::size_t steps = std::min<std::size_t>(recording.run.verdict.step + 1, program.operations.size());
  recording.taken.assign(shared.taken, shared.taken + steps);
  // A death comes before the snapshot of its step.
  if (recording.run.verdict.kind != Verdict::Kind::Violated && steps > recording.run.verdict.step)
    recording.taken[steps - 1] = true;
  recording.errors.assign(shared.error, shared.error + steps);
  recording.damages.assign(shared.damage, shared.damage + steps);
  recording.found_at_end = shared.found_at_end;
  recording.changes.assign(shared.change, shared.change + steps);
  if (const std::uint32_t at = recording.run.erred_at;
      at == recording.run.verdict.step && at < steps && recording.run.verdict.kind != Verdict::Kind::Violated) {
    ErrorOfBackend& error = recording.errors[at];
    error.erred = recording.run.erred;
    for (const Snapshot::Object& object : recording.before.live)
      if (object.address - error.erred.slab < error.erred.size) error.object = object.ordinal;
  }
  recording.answers.assign(shared.answer, shared.answer + steps);
  if (const std::uint32_t at = recording.run.answered_at; at < steps) recording.answers[at] = recording.run.answered;
  for (std::size_t i = 0; i < shared.objects; ++i) recording.objects[shared.object[i].ordinal] = shared.object[i];

  // The last stray pointer of a run is known even if the run dies of it.
  for (std::size_t i = 0; i < steps; ++i) {
    Program prefix{program.setup,
                   {program.operations.begin(), program.operations.begin() + static_cast<std::ptrdiff_t>(i) + 1}};
    const MisuseClass misuse = misuse_of(program.operations[i].kind);
    const bool strays = recording.taken[i] && (misuse == MisuseClass::StrayFree || misuse == MisuseClass::DamagedLink);
    recording.strays.emplace_back();
    if (!strays) continue;
    IsolationOptions brief{.brief = true, .checks = Checks::NowAndThen, .after_step = {}};
    std::size_t calls = 0;
    brief.after_step = [&](Runner& running, const Operation*) {
      if (calls++ == i) shared.at_misuse.take(running);
    };
    const IsolatedRun run = run_isolated(runner, prefix, brief);
    recording.strays.back() = {run.stray, run.misuse, shared.at_misuse.get().slabs};
  }
  munmap(memory, sizeof(Shared));
  return recording;
}

}  // namespace slabproof
