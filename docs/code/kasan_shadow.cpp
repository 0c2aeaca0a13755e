// docs/kernel.md: what a kernel under KASAN gives the allocator.

constexpr std::uintptr_t shadow_offset = 0xDFFF'FC00'0000'0000;
#include "docs/page.hpp"
