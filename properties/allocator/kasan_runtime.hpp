#pragma once

#include <cstddef>
#include <cstdint>

/// From now on there is a shadow, all of it zero.
void start_shadow();

/// Accesses to forbidden bytes.
extern std::size_t kasan_reports;
/// Calls of the two functions that the allocator asks for.
extern std::size_t kasan_calls;
