#pragma once

#include <string>

#include "fuzz/replay/generated_test/plan.hpp"

namespace slabproof {

/// The class of a test that hands out memory, as the backends' regions do.
std::string memory_of_test(const TestPlan& plan);

}  // namespace slabproof
