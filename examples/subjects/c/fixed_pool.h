/* Sixteen objects of up to 64 bytes, in C. */
#pragma once
#ifdef __cplusplus
extern "C" {
#endif

enum { fixed_pool_objects = 16, fixed_pool_words = 8 };

union fixed_pool_slot {
  union fixed_pool_slot* next; /* while it is free */
  unsigned long long words[fixed_pool_words];
};

struct fixed_pool {
  union fixed_pool_slot slots[fixed_pool_objects];
  union fixed_pool_slot* free;
};

void fixed_pool_init(struct fixed_pool* pool);
void* fixed_pool_get(struct fixed_pool* pool);
void fixed_pool_put(struct fixed_pool* pool, void* object);

#ifdef __cplusplus
}
#endif
