#include "model/memory/arena.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#include "model/memory/sanitizer.hpp"

namespace slabproof {

Arena::Arena(std::uintptr_t base, const Room& room) : ArenaLayout{base, room} {
  void* const mapped = mmap(reinterpret_cast<void*>(base), bytes(), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (mapped != reinterpret_cast<void*>(base)) {
    std::fprintf(stderr, "slabproof: cannot map the arena at %#zx: the address range is taken\n", base);
    std::exit(2);
  }
  forbid(reinterpret_cast<void*>(slabs(0)), 2 * (slab_bytes() + info_region));
}

Arena::~Arena() {
  permit(reinterpret_cast<void*>(cache(0)), bytes());
  munmap(reinterpret_cast<void*>(cache(0)), bytes());
}

}  // namespace slabproof
