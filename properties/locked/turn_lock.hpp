#pragma once

#include <cstddef>

#include "properties/locked/judge.hpp"

namespace turns {

/// A spinlock that keeps interrupts off, as a kernel's, and sees who holds it. From where it is taken to where it is
/// taken next, a CPU changes nothing that another one could see, but by calls of the backend that it is not held for:
/// taking turns at these two places leaves no order out. Of two such calls the order is seen by which slab is whose,
/// and no more.
class TurnLock {
 public:
  void lock() noexcept {
    Judge& judge = *Judge::now;
    judge.require(!judge.holds_lock(), Invariant::K3, "who holds the lock does not take it");
    const bool had_interrupts = judge.state().has_interrupts;
    judge.state().has_interrupts = false;
    judge.cpus.turn();
    while (!judge.is_free && judge.cpus.current() != Cpus::none) judge.cpus.turn_until(judge.is_free);
    judge.require(judge.is_free, Invariant::K5, "nobody waits for ever");
    judge.is_free = false;
    judge.holder = judge.cpu();
    had_interrupts_ = had_interrupts;
  }
  void unlock() noexcept {
    Judge& judge = *Judge::now;
    judge.require(judge.holds_lock(), Invariant::K3, "the lock is released by who holds it");
    judge.require(!judge.state().has_interrupts, Invariant::K4, "interrupts are off while the lock is held");
    const bool had_interrupts = had_interrupts_;
    judge.holder = Cpus::none;
    judge.is_free = true;
    judge.state().has_interrupts = had_interrupts;
  }

 private:
  bool had_interrupts_ = false;  // of who holds it
};

}  // namespace turns
