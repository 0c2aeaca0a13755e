#pragma once

#include <vector>

#include <slab/misuse.hpp>

namespace slabproof {

/// The misuse reports of the operation under way. Global, since a policy's handler is static; one
/// runner runs at a time.
inline std::vector<slab::MisuseReport> report_log;

}  // namespace slabproof
