#pragma once

#include <string>

#include "fuzz/replay/generated_test/body.hpp"

namespace slabproof {

/// The policies that the caches of a test need.
std::string policies_of_test(const TestPlan& plan);

/// The functions that a test's body calls.
std::string functions_of_test(const TestPlan& plan, const TestBody& body);

}  // namespace slabproof
