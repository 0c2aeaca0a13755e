#include <slab/version.hpp>

static_assert(SLAB_VERSION == PACKAGE_VERSION);
