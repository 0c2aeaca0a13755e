// Who else there is: the bare free list that everything is compared with, pools that serve one size and one thread as a
// slab cache does, and mallocs, which serve every size and all threads.
#include <malloc.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory_resource>
#include <new>
#include <string>

#include <boost/pool/pool.hpp>

#include "bench/libraries.hpp"
#include "bench/subject.hpp"

namespace bench {

std::vector<Subject>& subjects() {
  static std::vector<Subject> all;
  return all;
}

namespace {

/// The least that a pool can do: a list through the free objects, carved from one stretch of memory.
class BareList {
 public:
  explicit BareList(std::size_t size)
      : size_{size}, memory_{::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)} {
    if (memory_ == MAP_FAILED) throw std::bad_alloc{};
    carved_ = static_cast<std::byte*>(memory_);
  }
  ~BareList() { ::munmap(memory_, bytes); }
  BareList(const BareList&) = delete;
  BareList& operator=(const BareList&) = delete;

  void* alloc() {
    void* const object = free_;
    if (!object) return carve();
    free_ = *static_cast<void**>(object);
    return object;
  }
  void free(void* object) {
    *static_cast<void**>(object) = free_;
    free_ = object;
  }
  void give_back() {}

 private:
  static constexpr std::size_t bytes = std::size_t{1} << 32;
  static constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

  void* carve() {
    std::byte* const object = carved_;
    if (object + size_ > static_cast<std::byte*>(memory_) + bytes) return nullptr;
    carved_ += size_;
    return object;
  }

  std::size_t size_;
  void* memory_;
  std::byte* carved_ = nullptr;
  void* free_ = nullptr;
};

class BoostPool {
 public:
  explicit BoostPool(std::size_t size) : pool_{size} {}
  void* alloc() { return pool_.malloc(); }
  void free(void* object) { pool_.free(object); }
  void give_back() { pool_.purge_memory(); }

 private:
  boost::pool<> pool_;
};

class PmrPool {
 public:
  explicit PmrPool(std::size_t size) : size_{size} {}
  void* alloc() { return pool_.allocate(size_, 8); }
  void free(void* object) { pool_.deallocate(object, size_, 8); }
  void give_back() { pool_.release(); }

 private:
  std::size_t size_;
  std::pmr::unsynchronized_pool_resource pool_{std::pmr::new_delete_resource()};
};

class GlibcMalloc {
 public:
  explicit GlibcMalloc(std::size_t size) : size_{size} {}
  void* alloc() { return std::malloc(size_); }
  void free(void* object) { std::free(object); }
  void give_back() { ::malloc_trim(0); }

 private:
  std::size_t size_;
};

class LibraryMalloc {
 public:
  LibraryMalloc(std::size_t size, void* handle, const Library* library)
      : size_{size},
        malloc_{function_of<void*(std::size_t)>(handle, library->malloc)},
        free_{function_of<void(void*)>(handle, library->free)},
        handle_{handle},
        purge_{library->purge} {}
  void* alloc() { return malloc_(size_); }
  void free(void* object) { free_(object); }
  void give_back() { purge_(handle_); }

 private:
  std::size_t size_;
  void* (*malloc_)(std::size_t);
  void (*free_)(void*);
  void* handle_;
  void (*purge_)(void*);
};

void add_library(const Library& library) {
  void* const handle = open_library(library);
  if (!handle) return;
  for (const std::size_t size : {32u, 64u, 256u, 2048u})
    add_subject<LibraryMalloc>(library.name, size, size, handle, &library);
}

}  // namespace

void add_peers() {
  for (const std::size_t size : {32u, 64u, 256u, 2048u}) {
    add_subject<BareList>("bare list", size, size);
    add_subject<BoostPool>("boost::pool", size, size);
    add_subject<PmrPool>("pmr::unsynchronized_pool_resource", size, size);
    add_subject<GlibcMalloc>("glibc malloc", size, size);
  }
  for (const Library& library : libraries) add_library(library);
}

}  // namespace bench
