#pragma once

#include <cstdint>

namespace slabproof {

// The judge does arithmetic on addresses; caches take and return pointers.
inline void* pointer(std::uintptr_t address) { return reinterpret_cast<void*>(address); }
inline std::uintptr_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

}  // namespace slabproof
