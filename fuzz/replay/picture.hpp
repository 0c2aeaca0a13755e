#pragma once

#include <string>

#include "model/judge/runner.hpp"

namespace slabproof {

/// The state of each slab that a run holds, a line each, by the age of the slab:
///   c0 s1 ##.#__|i partial 3/6 current
/// `#` live, `.` free again, `q` in quarantine, where it counts as used, `_` never handed out; `|i` SlabInfo inside the
/// slab. Wide slabs are cut.
std::string picture(Runner& runner);

}  // namespace slabproof
