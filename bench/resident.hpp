#pragma once

#include <cstddef>

namespace bench {

/// Bytes of memory that this process does not share with a file: its code, too, comes into memory as it is used. The
/// kernel sums them up when it is asked; its quicker sums lag behind.
std::size_t resident();

}  // namespace bench
