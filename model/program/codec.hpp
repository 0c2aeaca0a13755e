#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/program/language.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// The program that any bytes encode in a language. O(operations).
Program decode(std::span<const std::uint8_t> bytes, const Language& language = slab_language);

/// Bytes that encode `program`: decode(encode(p), l) == p for every normalised p in the language l, and
/// encode(decode(b, l)) does not change when repeated. Bursts come out as single operations.
std::vector<std::uint8_t> encode(const Program& program);

}  // namespace slabproof
