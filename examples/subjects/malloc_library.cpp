// malloc of the shared library that is named when it runs, as ci/subject --malloc does it.
#include <cstdlib>

#include <slabproof/malloc_library.hpp>
SLABPROOF_MALLOC_LIBRARY(std::getenv("SLABPROOF_MALLOC"));
