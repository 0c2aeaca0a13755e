#include "fuzz/replay/build.hpp"

namespace slabproof {

const char* build_compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

}  // namespace slabproof
