#pragma once

#include <optional>
#include <string_view>

#include "model/judge/verdict.hpp"
#include "model/program/trace.hpp"

namespace slabproof {

using Parse = ParseResult (*)(std::string_view text);

/// What is wrong with the result of `parse` for any text, by the invariants T1 to T3; nothing if all is well. O(text +
/// operations).
std::optional<Violation> judge_trace(std::string_view text, Parse parse = slabproof::parse);

}  // namespace slabproof
