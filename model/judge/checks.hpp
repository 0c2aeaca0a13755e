#pragma once

#include <cstdint>

namespace slabproof {

/// How often the expensive checks are made: contents of all objects, audit(), statistics, returned memory.
enum class Checks : std::uint8_t {
  NowAndThen,  // every 16 operations and at the end, returned memory at the end: for engines that run many programs
  EveryStep,   // after each step, and in the backend's calls too: a violation names the step that caused it
};

}  // namespace slabproof
