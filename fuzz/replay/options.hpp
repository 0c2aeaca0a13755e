#pragma once

#include <optional>
#include <string>
#include <vector>

namespace slabproof {

/// What slab_replay has to do, by the options that ci/replay --help explains.
struct Options {
  bool quiet = false, full = false, minimize = false, as_test = false, html = false, json = false, environment = false,
       help = false, go_on = false;
  std::string bytes_out, trace_out, output, budget, random, seed = "0";
  std::vector<std::string> files;
};

/// Nothing, with the reason on stderr, when the options are wrong.
std::optional<Options> options_of(int argc, char** argv);

}  // namespace slabproof
