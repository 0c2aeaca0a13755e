#pragma once

#include <sys/mman.h>

#include <new>
#include <type_traits>

#include "model/process/cannot_judge.hpp"

namespace slabproof {

/// A T that this process shares with the children it starts; all zero unless T initialises itself.
template <class T>
class SharedMemory {
 public:
  SharedMemory() {
    void* const memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) cannot_judge_for_errno("no memory to share with a child process");
    value_ = ::new (memory) T{};
  }
  ~SharedMemory() { munmap(const_cast<std::remove_volatile_t<T>*>(value_), sizeof(T)); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  [[nodiscard]] T& operator*() const { return *value_; }
  [[nodiscard]] T* operator->() const { return value_; }

 private:
  T* value_;
};

}  // namespace slabproof
