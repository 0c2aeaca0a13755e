#include "fuzz/targets/program_target.hpp"

const std::optional<slab::Row> slabproof::target_row = slab::Row::SmallMultiPage;
