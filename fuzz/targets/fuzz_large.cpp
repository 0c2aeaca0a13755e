#include "fuzz/targets/program_target.hpp"

const slab::Row slabproof::target_row = slab::Row::Large;
