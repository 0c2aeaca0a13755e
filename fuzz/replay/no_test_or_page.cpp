// In the replay tool of a subject that is no slab cache.
#include "fuzz/replay/test_and_page.hpp"

namespace slabproof {

Outcome write_test(Runner&, const std::string& file, const Program&, const Options&) {
  return unreadable(file, "--as-test writes tests of a slab cache alone; --minimize writes the program as text");
}

Outcome write_page(Runner&, const std::string& file, const Program&, const Options&) {
  return unreadable(file, "--html makes pages of a slab cache alone; without it each step is printed");
}

}  // namespace slabproof
