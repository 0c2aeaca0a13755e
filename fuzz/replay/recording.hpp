#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/judge/runner.hpp"
#include "model/process/isolated.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// What was there after a step: slabs, live objects and the statistics that are right.
struct Snapshot {
  struct Slab {
    std::uintptr_t base;
    std::size_t size;
    std::uint32_t used;
    std::uint8_t cache, backend;
    bool abandoned, current;
  };
  struct Object {
    std::uintptr_t address;
    std::uint32_t ordinal;
    std::uint8_t cache;
  };
  std::vector<Slab> slabs;
  std::vector<Object> live;  // in the order of their birth
  slab::CacheStatistics statistics[Limits::max_caches];
  std::size_t kept_slabs[Limits::max_caches] = {};  // empty ones that may stay
};

/// What a misuse frees, or writes over a free link; what the free must be reported as; and where slabs were then.
struct Stray {
  std::uintptr_t pointer = 0;
  slab::Misuse misuse{};
  std::vector<Snapshot::Slab> slabs;
};

/// A run, and what a reader of its verdict wants to know besides.
struct Recording {
  IsolatedRun run;
  std::vector<bool> taken;                          // of each operation: false where it fell away
  std::vector<Stray> strays;                        // by operation; of those that misuse
  std::map<std::uint32_t, Snapshot::Object> objects;  // each that was ever handed out
  Snapshot before;                                  // the failing step, or the end
  Snapshot after;                                   // a violation
};

constexpr std::size_t max_recorded_operations = 400;

/// Runs a program of at most max_recorded_operations in child processes.
Recording record(Runner& runner, const Program& program);

}  // namespace slabproof
