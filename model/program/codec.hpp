#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/program/program.hpp"

namespace slabproof {

/// The program that bytes say. Any bytes. O(operations).
Program decode(std::span<const std::uint8_t> bytes);

/// Bytes that say `program`: decode(encode(p)) == p for every normalised p, and encode(decode(b)) is
/// the same however often it is done. Bursts come out as single operations.
std::vector<std::uint8_t> encode(const Program& program);

}  // namespace slabproof
