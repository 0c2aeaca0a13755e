#pragma once

#include <cstdint>

namespace slabproof {

/// How much of what is dear to look at is looked at: contents of all objects, audit(), statistics, returned memory.
enum class Checks : std::uint8_t {
  NowAndThen,  // every 16 operations and at the end: for engines that run millions of programs
  EveryStep,   // after each step and in the backend's calls too: a violation has the step that brought it about
};

}  // namespace slabproof
