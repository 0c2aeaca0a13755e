#pragma once

#include <cstdint>

namespace slabproof {

/// In a child process: sets whether a sanitizer's report is one word, without symbols.
void report_briefly(bool brief);

/// In a child process: sets where to write a digest of the stack on which a sanitizer finds something. The program
/// counters, and so the digest, are the same in every child of one process.
void leave_stack_digest(std::uint64_t* digest);

}  // namespace slabproof
