#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/program/program.hpp"

namespace slabproof {

/// The program that any bytes encode. O(operations).
Program decode(std::span<const std::uint8_t> bytes);

/// Bytes that encode `program`: decode(encode(p)) == p for every normalised p, and encode(decode(b)) does not change
/// when repeated. Bursts come out as single operations.
std::vector<std::uint8_t> encode(const Program& program);

}  // namespace slabproof
