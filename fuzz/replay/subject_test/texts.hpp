#pragma once

namespace slabproof {

/// What a test of a pool or a heap begins with, for selected(): where it takes its memory, which refuses when the
/// program does; and the class that calls it and expects what the harness does (model/judge/any/): its calls,
/// and, directly behind them, its checks.
extern const char* const source_of_test;
extern const char* const judge_of_test;
extern const char* const checks_of_test;

}  // namespace slabproof
