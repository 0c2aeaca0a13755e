#pragma once

#include <cstddef>
#include <cstdint>

// Executor with every cache that programs ask for (kernel_executor.cpp), for a kernel that links it.

/// How far the event log of a program has come.
struct SlabproofStep {
  std::uint64_t events, digest;
};

struct SlabproofRun {
  std::uint64_t events, digest;
  bool has_room;  // if not, the program gave back more blocks than the executor remembers, and the log says nothing
  bool has_caches;  // if not, the program asks for guards, the executor was compiled without, and the log says nothing
};

extern "C" {

/// Runs a program from its bytes. Calls `after` once its caches are made, after each operation and at the end.
SlabproofRun slabproof_execute_steps(const std::uint8_t* data, std::size_t size, void (*after)(const SlabproofStep&));

/// The digest of the event log of a program, and how many events; 0 events: there was no room for it.
std::uint64_t slabproof_execute(const std::uint8_t* data, std::size_t size, std::uint64_t* events);

/// Of the address that the `count`-th allocation from now gives, one byte will be flipped, which is undone where the
/// object is freed: a comparison with the runner must show it. 0: of none.
void slabproof_flip_allocation(std::uint64_t count);

}  // extern "C"
