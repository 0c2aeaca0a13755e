#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "model/judge/verdict.hpp"
#include "model/program/program.hpp"
#include "model/subject/slab_subject.hpp"
#include "properties/explore/induction/accepted_counts.hpp"

namespace slabproof {

/// A small world to explore, and how.
struct ExploreOptions {
  Setup setup;               // one backend; see properties/explore/world.hpp
  std::size_t slabs = 2;     // that the backend has room for
  std::uint64_t scrub = 0;   // what dead bytes hold
  bool pointers = true;      // in each state free every pointer, if the caches are Checked
  bool mishaps = true;       // in each state let backends err and call the caches, and on_misuse call them
  std::size_t memory = std::size_t{2} << 30;  // bytes, for states and frontier
  std::size_t reserve_beyond = 1;    // reserve() asks for at most so many objects more than a slab has
  bool every_accepted = false;  // start also from each state that audit() accepts
  const char* progress = nullptr;  // prefix of a line a second on stdout
  MakeSubject make = make_slab_subject;
};

struct ExploreCounts {
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  std::uint64_t failures = 0;     // transitions in which a backend call was made to fail
  std::uint64_t refusals = 0;     // in which the backend had no room
  std::uint64_t pointers = 0;     // misuses tried
  std::uint64_t mishaps = 0;      // operations in which others did something
  AcceptedCounts accepted;        // where each state that audit() accepts is gone on from
  std::uint64_t digest = 0;       // of the states and transitions
  std::uint32_t depth = 0;        // transitions to the state that is farthest from the first one
  std::size_t memory = 0;         // of the states, in bytes
  std::size_t frontier = 0;       // bytes at the most
  double seconds = 0;
};

struct Exploration {
  enum class Outcome : std::uint8_t { Complete, Defect, OutOfMemory };

  Outcome outcome = Outcome::Complete;
  ExploreCounts counts;
  // Of a defect in a state that a program leads to: a shortest one that shows it.
  Program program;
  // Of one in an accepted state that no program leads to: that state, and what was done there.
  std::string state, operation;
  // What the explorer found, and what the runner says of the program.
  Verdict found, verdict;
  std::string report;
};

/// Visits every state that the caches can be in, breadth first, in a child process. From each state: alloc and
/// alloc_no_grow, reserve of 1 to N + 1, free of each live object, shrink and destroy of each cache, with every choice
/// of the place of each new slab; alloc and reserve also with each backend call failing, and with misaligned slabs and
/// SlabInfos; and in Checked caches free() of every byte of the slabs and of a page around them, as far as the row's
/// contract goes; and each operation while the backend errs or calls the cache, or on_misuse calls it
/// (search_mishaps.cpp). After each, everything is checked. Ends this process with exit code 2 if the child could not
/// be started or was killed: then nothing is known.
Exploration explore(const ExploreOptions& options);

}  // namespace slabproof
