// A malloc of its own as a shared library, for ci/subject --malloc. Powers of two from pages that it never gives back,
// and a mapping each for what is larger. As it is here it is right; each of these names, defined, is a mistake:
// COPIES_NEW_SIZE, COPIES_OLD_SIZE, FREES_WHEN_REFUSED, MULTIPLIES_BLINDLY, TRUSTS_MMAP, DIES_AT_ONCE.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { classes = 13, smallest = 32, chunk = 1 << 20 };  // up to 128 KiB; a header is in each block

struct header {
  size_t block;  // bytes of it, this header included
  void* start;   // of the block, which lies further before an aligned object
};
struct free_block {
  struct free_block* next;
};
static struct free_block* free_blocks[classes];
static char *fresh, *fresh_end;

static struct header* header_of(void* object) { return (struct header*)object - 1; }

static void* pages(size_t size) {
  void* const memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#ifdef TRUSTS_MMAP
  return memory;
#else
  return memory == MAP_FAILED ? NULL : memory;
#endif
}

static int class_of(size_t bytes) {
  int class = 0;
  while (class < classes && (size_t)smallest << class < bytes) ++class;
  return class;
}

static void* take(size_t bytes) {
  const int class = class_of(bytes);
  if (class == classes) return pages((bytes + 4095) / 4096 * 4096);
  const size_t block = (size_t)smallest << class;
  if (free_blocks[class]) {
    struct free_block* const first = free_blocks[class];
    free_blocks[class] = first->next;
    return first;
  }
  if ((size_t)(fresh_end - fresh) < block) {
    char* const more = pages(chunk);
    if (!more) return NULL;
    fresh = more;
    fresh_end = more + chunk;
  }
  fresh += block;
  return fresh - block;
}

static void* place(size_t align, size_t size) {
  const size_t before = sizeof(struct header) + (align > 16 ? align : 0);
  if (size > PTRDIFF_MAX - before - 4096) return NULL;
  const int class = class_of(before + size);
  char* const start = take(before + size);
  if (!start) return NULL;
  struct header* const header =
      header_of((void*)(((uintptr_t)start + before) / (align > 16 ? align : 16) * (align > 16 ? align : 16)));
  header->block = class < classes ? (size_t)smallest << class : (before + size + 4095) / 4096 * 4096;
  header->start = start;
  return header + 1;
}

size_t malloc_usable_size(void* object) {
  const struct header* const header = header_of(object);
  return (size_t)((char*)header->start + header->block - (char*)object);
}

void* malloc(size_t size) {
#ifdef DIES_AT_ONCE
  abort();
#endif
  return place(1, size);
}

void* memalign(size_t align, size_t size) { return place(align, size); }

void free(void* object) {
  if (!object) return;
  const struct header header = *header_of(object);
  const int class = class_of(header.block);
  if (class == classes) {
    munmap(header.start, header.block);
    return;
  }
  struct free_block* const freed = header.start;
  freed->next = free_blocks[class];
  free_blocks[class] = freed;
}

void* calloc(size_t count, size_t size) {
#ifndef MULTIPLIES_BLINDLY
  if (size && count > PTRDIFF_MAX / size) return NULL;
#endif
  void* const object = malloc(count * size);
  return object ? memset(object, 0, count * size) : NULL;
}

void* realloc(void* object, size_t size) {
  if (!object) return malloc(size);
  const size_t before = malloc_usable_size(object);
  void* const other = malloc(size);
  if (!other) {
#ifdef FREES_WHEN_REFUSED
    free(object);
#endif
    return NULL;
  }
#if defined(COPIES_NEW_SIZE)
  memcpy(other, object, size);
#elif defined(COPIES_OLD_SIZE)
  memcpy(other, object, before);
#else
  memcpy(other, object, before < size ? before : size);
#endif
  free(object);
  return other;
}
