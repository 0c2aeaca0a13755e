// Writes down what a program asks malloc for, and what it frees: preloaded by bench/mixes/record.py.
//
// Each process writes $RECORD_MALLOCS.PID: of each event three numbers of eight bytes, the address it frees or 0, the
// address it is given or 0, and the size that it asks for. A program that ends by _exit() loses what was not written
// by then; a child that calls no exec is left out.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

// glibc's own, under names that this library does not take.
extern "C" {
void* __libc_malloc(std::size_t size);
void __libc_free(void* object);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* object, std::size_t size);
void* __libc_memalign(std::size_t align, std::size_t size);
}

namespace {

struct Event {
  std::uint64_t freed, given, size;
};

constexpr std::size_t events_at_once = 4096;
Event events[events_at_once];
std::size_t waiting = 0;
int file = -1;
std::atomic_flag busy = ATOMIC_FLAG_INIT;

void write_events() {
  const auto* from = reinterpret_cast<const char*>(events);
  for (std::size_t left = waiting * sizeof(Event); file >= 0 && left > 0;) {
    const ssize_t written = ::write(file, from, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) std::abort();  // half a recording would be taken for a whole one
    from += written;
    left -= static_cast<std::size_t>(written);
  }
  waiting = 0;
}

void note(const void* freed, const void* given, std::size_t size) {
  if (file < 0) return;
  const int error = errno;
  while (busy.test_and_set(std::memory_order_acquire)) {}
  events[waiting++] = {reinterpret_cast<std::uintptr_t>(freed), reinterpret_cast<std::uintptr_t>(given), size};
  if (waiting == events_at_once) write_events();
  busy.clear(std::memory_order_release);
  errno = error;
}

[[gnu::constructor]] void begin() {
  const char* const name = std::getenv("RECORD_MALLOCS");
  if (!name) return;
  char path[4096];
  std::snprintf(path, sizeof path, "%s.%ld", name, static_cast<long>(::getpid()));
  file = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) std::abort();
  ::pthread_atfork(nullptr, nullptr, [] { file = -1; });
}
[[gnu::destructor]] void end() {
  while (busy.test_and_set(std::memory_order_acquire)) {}
  write_events();
  file = -1;
  busy.clear(std::memory_order_release);
}

void* given(void* object, std::size_t size) {
  if (object) note(nullptr, object, size);
  return object;
}

}  // namespace

// With the exceptions of glibc's declarations: none.
extern "C" {
void* malloc(std::size_t size) noexcept { return given(__libc_malloc(size), size); }
void* calloc(std::size_t count, std::size_t size) noexcept { return given(__libc_calloc(count, size), count * size); }
void* memalign(std::size_t align, std::size_t size) noexcept { return given(__libc_memalign(align, size), size); }
void* aligned_alloc(std::size_t align, std::size_t size) noexcept { return memalign(align, size); }
int posix_memalign(void** object, std::size_t align, std::size_t size) noexcept {
  void* const found = memalign(align, size);
  if (!found) return ENOMEM;
  *object = found;
  return 0;
}
void* realloc(void* object, std::size_t size) noexcept {
  void* const moved = __libc_realloc(object, size);
  if (moved || size == 0) note(object, moved, size);
  return moved;
}
void free(void* object) noexcept {
  if (object) note(object, nullptr, 0);
  __libc_free(object);
}
}
