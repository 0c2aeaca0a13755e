#pragma once

#include <cstdint>

#include "model/memory/sanitizer.hpp"

namespace slabproof {

// Freed slots are poisoned, but returning to a state must write to them.
SLABPROOF_NOT_SANITIZED inline std::uint64_t word_at(std::uintptr_t at) {
  return *reinterpret_cast<const std::uint64_t*>(at);
}
SLABPROOF_NOT_SANITIZED inline void set_word(std::uintptr_t at, std::uint64_t word) {
  *reinterpret_cast<std::uint64_t*>(at) = word;
}
SLABPROOF_NOT_SANITIZED inline void set_byte(std::uintptr_t at, std::uint8_t byte) {
  *reinterpret_cast<std::uint8_t*>(at) = byte;
}

}  // namespace slabproof
