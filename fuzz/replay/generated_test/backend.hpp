#pragma once

#include <string>

#include "fuzz/replay/generated_test/body.hpp"

namespace slabproof {

/// The backend of a test: what the program and the test's body need, and no more.
std::string backend_of_test(const TestPlan& plan, const TestBody& body);

}  // namespace slabproof
