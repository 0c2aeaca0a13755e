#pragma once

#include <cstddef>
#include <cstdint>

#include "examples/kernel/machine/start_info.hpp"

// What the kernel does with caches. Each says in a line what it has done, or ends the kernel with what is wrong.
namespace kernel {

/// A cache that is constant-initialised, before and in a constructor.
void use_cache_before_constructors() noexcept;
void use_cache_after_constructors() noexcept;

/// Each row on page frames: SmallSinglePage, SmallMultiPage, Large.
void use_rows() noexcept;

/// kmalloc, krealloc, and operators new and delete.
void use_heap() noexcept;

/// Whether the caches that an interrupt and several processors share have a lock.
enum class Locking { Spin, None };

/// The timer's interrupt allocates and frees while the main loop does.
void allocate_in_interrupts(Locking locking) noexcept;

/// All processors allocate, and free each other's objects.
void exchange_objects(std::size_t processors, Locking locking) noexcept;

/// Executes the programs of an archive of tar, and prints what event_digests prints of them. With `steps` on the
/// command line also after each step of each; `flip=NAME allocation=N` flips a byte of what an allocation of one of
/// them gives.
void execute_programs(const unsigned char* archive, std::size_t size, const CommandLine& command_line) noexcept;

/// Goes wrong as ci/kernel --plant has asked for, if that is to be done by itself.
void go_wrong(const CommandLine& command_line) noexcept;

}  // namespace kernel
