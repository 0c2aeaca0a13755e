#pragma once

#include <cstddef>

namespace kernel {

constexpr std::size_t most_processors = 8;  // boot.S has as many stacks

/// Starts all further processors, which then sleep, and returns how many there are with this one.
std::size_t start_processors() noexcept;

using Work = void (*)(std::size_t processor) noexcept;
/// Each processor calls work(its number), this one, which is 0, too. Returns when all have.
void on_all_processors(Work work) noexcept;

}  // namespace kernel
