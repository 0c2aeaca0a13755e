#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "model/subject/tested_subject.hpp"
#include "properties/machines/setup_generator.hpp"

namespace slabproof {

struct MachineOptions {
  MachineKind kind;
  std::uint64_t programs = 0;             // to run at the least
  MakeSubject make = tested_subject().make;
  std::string crash_folder;               // where a counterexample is saved
  std::chrono::milliseconds progress{};   // between two lines on stdout; 0: none
};

struct MachineResult {
  bool passed = false;
  std::uint64_t programs = 0;
  std::uint64_t operations = 0;
  std::string report;      // of a failure: the shrunk trace, the verdict, how to reproduce it
  std::string signature;
  std::uint64_t to_find = 0;      // programs run until the first failure
  std::uint32_t shrunk_to = 0;    // operations of the counterexample
  std::uint64_t seed = 0;
};

/// Runs a state machine of generated programs until one fails or enough have run. The whole property runs in a child
/// process. When that dies, it is run again, with the program that died and all its shrunk forms each in a child of its
/// own. RapidCheck has no limit to shrinking, so after a number of candidates the property passes, and the last failing
/// program is the counterexample. `id` names the property in RC_PARAMS.
MachineResult check_machine(const std::string& id, const MachineOptions& options);

}  // namespace slabproof
