#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/geometry.hpp>

namespace slabproof {

/// Runs the program that `data` says when its first cache is of `row`; ignores it otherwise. A
/// violation is printed, with the trace, and aborts.
int fuzz_program(const std::uint8_t* data, std::size_t size, slab::Row row);

}  // namespace slabproof
