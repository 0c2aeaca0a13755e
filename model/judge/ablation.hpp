#pragma once

#include <string_view>

#include "model/judge/invariant.hpp"

namespace slabproof {

/// Whether the judge of this program is to overlook that a check of `invariant` fails; `what` tells it from the others.
/// SLABPROOF_WITHOUT says which: `all`, or ids and checks with commas between them, such as `B7,M3/WrongReport`. The
/// first time that a check is overlooked, a line `M3/WrongReport` is added to the file SLABPROOF_OVERLOOKED. Ends the
/// program with 2 where the variable names what is no invariant or no cause, or the file cannot be written.
bool is_left_out(Invariant invariant, std::string_view what);

}  // namespace slabproof
