#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/judge/runner.hpp"
#include "model/process/isolated.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// The state after a step: slabs, live objects and the correct statistics.
struct Snapshot {
  struct Slab {
    std::uintptr_t base;
    std::size_t size;
    std::uint32_t used;
    std::uint8_t cache, backend;
    bool abandoned, current;
    bool set_aside;
    bool is_next;  // where the current slab has no free object: the one that the next object comes from
    std::size_t quarantined;  // of the used ones
  };
  struct Object {
    std::uintptr_t address;
    std::uint32_t ordinal;
    std::uint8_t cache;
  };
  std::vector<Slab> slabs;
  std::vector<Object> live;  // in the order of their birth
  slab::CacheStatistics statistics[Limits::max_caches];
  std::size_t kept_slabs[Limits::max_caches] = {};  // empty slabs that may stay
  std::vector<std::uintptr_t> quarantine[Limits::max_caches];  // freed objects, the oldest first
  bool has_stray_writes[Limits::max_caches] = {};  // which audit() tells of
};

/// The pointer that a misuse frees or writes to a freed object, the required report, and where slabs were at that time.
struct Stray {
  std::uintptr_t pointer = 0;
  slab::Misuse misuse{};
  std::vector<Snapshot::Slab> slabs;
};

/// What a backend got wrong in a step, and an object of the slab that this is about.
struct ErrorOfBackend {
  Erred erred;
  std::uint32_t object = no_ordinal;
};

/// What a step does to a SlabInfo, and what the cache finds.
struct DamageOfStep {
  Runner::Damaged done;
  std::uint32_t other = no_ordinal;  // an object of the slab from whose SlabInfo the byte was copied
  Runner::Found found;  // info 0: nothing
  bool is_pending[Limits::max_caches] = {};  // what is to be found, after the step
};

/// A run, and what explains its verdict to a reader.
struct Recording {
  IsolatedRun run;
  std::vector<bool> taken;  // of each operation: false if it did not apply
  std::vector<Stray> strays;  // by operation; for those that misuse
  std::vector<ErrorOfBackend> errors;  // by operation
  std::vector<DamageOfStep> damages;  // by operation
  std::size_t found_at_end = 0;  // damaged slabs
  std::vector<Change> changes;  // by operation: what must be reported of writes behind an object or to a freed slot
  std::vector<Answered> answers;  // by operation
  std::map<std::uint32_t, Snapshot::Object> objects;  // every object ever handed out
  Snapshot before;  // the failing step, or the end
  Snapshot after;  // a violation
};

constexpr std::size_t max_recorded_operations = 400;

/// Runs a program of at most max_recorded_operations in child processes.
Recording record(Runner& runner, const Program& program);

}  // namespace slabproof
