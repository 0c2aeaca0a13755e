// A fixed pool in C, in a library of its own.
#include <slabproof/subject.hpp>

#include "c/fixed_pool.h"

class CPool {
 public:
  static constexpr slabproof::Abilities abilities{.accepts = {.most = 64, .max_align = 8},
                                                  .capacity = fixed_pool_objects};

  CPool() { fixed_pool_init(&pool_); }
  void* alloc() { return fixed_pool_get(&pool_); }
  void free(void* object) { fixed_pool_put(&pool_, object); }

 private:
  fixed_pool pool_;
};
SLABPROOF_SUBJECT(CPool);
