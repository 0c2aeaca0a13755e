#include "c/fixed_pool.h"

#include <stddef.h>

void fixed_pool_init(struct fixed_pool* pool) {
  pool->free = NULL;
  for (size_t i = fixed_pool_objects; i-- > 0;) fixed_pool_put(pool, &pool->slots[i]);
}

void* fixed_pool_get(struct fixed_pool* pool) {
  union fixed_pool_slot* const slot = pool->free;
  if (slot) pool->free = slot->next;
  return slot;
}

void fixed_pool_put(struct fixed_pool* pool, void* object) {
  union fixed_pool_slot* const slot = object;
  slot->next = pool->free;
  pool->free = slot;
}
