#pragma once

namespace kernel {

/// A lock of several processors, which also keeps interrupts off: a handler may want the same lock.
class SpinLock {
 public:
  void lock() noexcept {
    unsigned long flags;
    asm volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
    while (__atomic_exchange_n(&is_held_, true, __ATOMIC_ACQUIRE)) asm volatile("pause");
    flags_ = flags;
  }
  void unlock() noexcept {
    const unsigned long flags = flags_;
    __atomic_store_n(&is_held_, false, __ATOMIC_RELEASE);
    asm volatile("pushq %0; popfq" ::"r"(flags) : "memory", "cc");
  }

 private:
  bool is_held_ = false;
  unsigned long flags_ = 0;  // of who holds it
};

/// What must be found out: a lock that locks nothing.
struct NoLock {
  void lock() noexcept {}
  void unlock() noexcept {}
};

/// Holds a lock as long as it lives.
class Guard {
 public:
  explicit Guard(SpinLock& lock) noexcept : lock_{lock} { lock_.lock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() { lock_.unlock(); }

 private:
  SpinLock& lock_;
};

}  // namespace kernel
